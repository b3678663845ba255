/** What other packages see of Lua: values, tables, errors, the meter, and the compiler. */
export * from './errors.ts';
export { LuaSyntaxError } from './lexer.ts';
export { ScriptRandom } from './library/math.ts';
export { standardLibraries } from './library/standard-libraries.ts';
export { metatableOf } from './metatables.ts';
export { meter } from './meter.ts';
export * from './number-text.ts';
export * from './runtime.ts';
export { LuaTable } from './table.ts';
export * from './values.ts';
export { warmUp } from './warm-up.ts';

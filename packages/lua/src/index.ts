/** What other packages see of Lua: values, tables, errors, the meter, and the compiler. */
export * from './errors.ts';
export * from './limits.ts';
export { meter } from './meter.ts';
export * from './number-text.ts';
export { LuaTable } from './table.ts';
export * from './values.ts';

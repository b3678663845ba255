/** Scripts of a shard: what its host makes and connects. */
export type { CommandExecutor } from './command-caller.ts';
export type { LogLevel } from './redis-library.ts';
export { ScriptEngine, type ScriptEngineOptions, type ScriptWatch } from './script-engine.ts';

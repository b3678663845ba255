/** Scripts of a shard: what its host makes and connects. */
export type { CommandExecutor } from './command-caller.ts';
export { replyError } from './error-table.ts';
export type { FunctionDescription } from './function-libraries.ts';
export { ENGINE_NAME, readLibraryHeader } from './library-header.ts';
export type { LogLevel } from './redis-library.ts';
export {
  FIRST_KEY,
  type RunningFunction,
  ScriptEngine,
  type ScriptEngineOptions,
  ScriptRestart,
  type ScriptWatch,
} from './script-engine.ts';
export { scriptWrites } from './shebang.ts';
export { warmUpScripts } from './warm-up.ts';

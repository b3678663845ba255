/**
 * What the rows of EVAL and FCALL call: scripts are run by somebody else, because this package knows
 * no language. The host of an engine sets one (package `scripting`); without it there are no scripts.
 *
 * A script runs to its end within the handler, on the engine it was called on. Its commands come in
 * through `Engine.executeNested`, one after the other.
 */
import type { CommandContext } from './command-context.ts';

export interface ScriptHost {
  /** EVAL and EVAL_RO: arguments script, number of keys, keys, arguments. */
  evaluate(context: CommandContext, isReadOnly: boolean): void;
  /** EVALSHA and EVALSHA_RO: the same with the script's SHA1 in hexadecimal. */
  evaluateDigest(context: CommandContext, isReadOnly: boolean): void;
  /** FCALL and FCALL_RO: the same with a function's name. */
  callFunction(context: CommandContext, isReadOnly: boolean): void;
  /** SCRIPT LOAD: the only argument is a script; replies its SHA1. */
  load(context: CommandContext): void;
}

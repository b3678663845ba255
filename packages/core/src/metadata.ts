/**
 * What the gateway may know of core: the command table as metadata (no handlers are called from
 * it), the flags, the parser of the rows' argument syntax, and of time-outs.
 */
import type { CommandMetadata } from './commands/command-spec.ts';
import { COMMANDS } from './commands/index.ts';

export * from './commands/command-spec.ts';
export { commandNumber } from './commands/index.ts';
export const COMMAND_METADATA: readonly CommandMetadata[] = COMMANDS;
export { type Argument, type ArgumentType, parseSyntax } from './commands/syntax.ts';
export { matchesGlob } from './glob.ts';
export { invariant } from './invariant.ts';
export { KeyFinder } from './key-positions.ts';
export { parseSeconds } from './long-double.ts';
export { formatDouble17, parseCursor } from './number-text.ts';
export { REDIS_VERSION } from './redis-version.ts';

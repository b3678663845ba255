/**
 * Commands that the gateway answers itself: connection and server commands.
 *
 * A handler either writes its reply at once, or returns a promise of a function that writes it (its
 * connection is barred meanwhile, so replies stay in order). A handler that returns a promise must
 * take what it needs from `args` before its first await: the parser is reused.
 */
import type { CommandMetadata } from '@hashlane/core/metadata';
import type { ReplyWriter, RequestParser } from '@hashlane/resp';
import type { Connection } from './connection.ts';
import type { Gateway } from './gateway.ts';

/** Writes a reply; `reply.protocol` is set for the connection. */
export type ReplyFunction = (reply: ReplyWriter) => void;

export interface ServerCall {
  readonly gateway: Gateway;
  readonly connection: Connection;
  /** The arguments; 0 is the command's name (1 the subcommand's, for `CLIENT|LIST` and such). */
  readonly args: RequestParser;
  readonly reply: ReplyWriter;
}

export interface ServerCommandSpec extends CommandMetadata {
  /** False for what acts at once between MULTI and EXEC. */
  readonly isQueued?: boolean;
  // biome-ignore lint/suspicious/noConfusingVoidType: most handlers just return
  readonly handler: (call: ServerCall) => void | Promise<ReplyFunction>;
}

/**
 * What the handlers of several families need of their arguments and replies.
 *
 * Arguments are bytes; as strings they are latin1 (one character per byte). Configuration values
 * and file names are UTF-8: `utf8` and `replyUtf8` go between the two.
 */
import type { ReplyWriter } from '@hashlane/resp';
import type { ServerCall } from '../server-command.ts';

/** A 64-bit decimal integer in Redis's strict spelling; beyond 2^53 only nearly exact. */
export function integer(text: string): number | undefined {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? Number(value) : undefined;
}

/** All arguments from number `from` on. */
export function texts({ args }: ServerCall, from: number): string[] {
  return Array.from({ length: Math.max(0, args.argc - from) }, (_, i) => args.text(from + i));
}

/** Text of bytes that came as a latin1 string and are UTF-8. */
export function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

/** Bulk string of a text, in UTF-8. */
export function replyUtf8(reply: ReplyWriter, text: string): void {
  reply.buffer(Buffer.from(text, 'utf8'));
}

/** An error line whose text may hold more than ASCII. */
export function errorUtf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The reply to a container's HELP. */
export function replyHelp(reply: ReplyWriter, container: string, lines: readonly string[]): void {
  reply.array(lines.length + 3);
  reply.simple(`${container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const line of lines) reply.simple(line);
  reply.simple('HELP');
  reply.simple('    Prints this help.');
}

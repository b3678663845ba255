/** What the families of string commands share: the view of a string, and room for a new one. */
import { Block, errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { StringSpan } from '../string-value.ts';

/** Reused by all handlers: none keeps it across a change. */
export const span = new StringSpan();
/** New values are written here before they are stored. */
export const scratch = Block.allocate(64);

/** Locates the found string in `span` (empty without one); false with WRONGTYPE replied. */
export function locateFound(context: CommandContext, reference: number): boolean {
  if (reference === 0) {
    span.length = 0;
    return true;
  }
  if (span.locate(context.keyspace.arena, reference)) return true;
  context.reply.error(errors.wrongType);
  return false;
}

/**
 * What the stream commands share: numbers and IDs out of arguments, lookups, and arrays whose
 * length is known only when their elements are written.
 *
 * Several commands check all their arguments, and some all their keys, before they answer, and
 * blocking ones ask whether there would be an answer at all. So most of what is here returns the
 * text of an error instead of replying it.
 */
import {
  decimalLength,
  errors,
  type ReplyWriter,
  subcommandSyntax,
  writeDecimal,
} from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { STREAM } from '../entry.ts';
import type { Request } from '../request.ts';
import type { StreamConsumer, StreamGroup } from '../stream-group.ts';
import { INVALID, parseId, type StreamId } from '../stream-id.ts';
import { STREAM_BYTES, StreamValue } from '../stream-value.ts';

/** Is the argument this one character? */
export function isSymbol(request: Request, i: number, symbol: number): boolean {
  return request.length(i) === 1 && request.block.bytes[request.offset(i)] === symbol;
}

export const ASTERISK = 42;
export const TILDE = 126;
export const EQUALS = 61;
export const DOLLAR = 36;
export const GREATER = 62;
const PARENTHESIS = 40;

/** Reads an ID that may not be `-` or `+`; a missing sequence is 0. False when it is none. */
export function strictId(request: Request, i: number, id: StreamId): boolean {
  return parseId(request, i, 0, id, 0, true, false) !== INVALID;
}

/** Reads the first ID of an interval, `(` for the one after. Returns an error's text, if any. */
export function intervalStart(request: Request, i: number, id: StreamId): string | undefined {
  const isOpen = isOpenEnd(request, i);
  if (parseId(request, i, isOpen ? 1 : 0, id, 0, isOpen, false) === INVALID) {
    return errors.streamInvalidId;
  }
  return isOpen && !id.increment() ? errors.streamInvalidStart : undefined;
}

/** Reads the last ID of an interval, `(` for the one before. Returns an error's text, if any. */
export function intervalEnd(request: Request, i: number, id: StreamId): string | undefined {
  const isOpen = isOpenEnd(request, i);
  if (parseId(request, i, isOpen ? 1 : 0, id, -1, isOpen, false) === INVALID) {
    return errors.streamInvalidId;
  }
  return isOpen && !id.decrement() ? errors.streamInvalidEnd : undefined;
}

function isOpenEnd(request: Request, i: number): boolean {
  return request.length(i) > 1 && request.block.bytes[request.offset(i)] === PARENTHESIS;
}

// Lookups.

/** The stream of an entry; null when there is no entry, undefined when it is of another type. */
function streamOf(context: CommandContext, reference: number): StreamValue | null | undefined {
  if (reference === 0) return null;
  const { keyspace } = context;
  if (keyspace.typeOf(reference) !== STREAM) return undefined;
  return StreamValue.of(keyspace.arena, reference);
}

/** The stream of the key in argument `i` for reading; null when missing, undefined for WRONGTYPE. */
export function readStream(context: CommandContext, i: number): StreamValue | null | undefined {
  return streamOf(context, context.keyspace.lookupRead(context.request, i));
}

/** The same for a stream that will be changed. */
export function writeStream(context: CommandContext, i: number): StreamValue | null | undefined {
  return streamOf(context, context.keyspace.lookupWrite(context.request, i));
}

/** Adds the key in argument `i` with an empty stream. */
export function insertStream(context: CommandContext, i: number): StreamValue {
  const { keyspace, request } = context;
  const { arena } = keyspace;
  const stream = new StreamValue(arena);
  const reference = keyspace.insertArgument(request, i, STREAM, STREAM_BYTES);
  StreamValue.attach(arena, reference, stream);
  return stream;
}

/** The group named in argument `i`, or undefined. */
export function findGroup(
  { request }: CommandContext,
  stream: StreamValue,
  i: number,
): StreamGroup | undefined {
  return stream.groups.find(request.block, request.offset(i), request.length(i));
}

/** The consumer named in argument `i`, or undefined. */
export function findConsumer(
  { request }: CommandContext,
  group: StreamGroup,
  i: number,
): StreamConsumer | undefined {
  return group.consumer(request.block, request.offset(i), request.length(i));
}

/** The consumer named in argument `i`, made when it is missing, and seen now. */
export function obtainConsumer(
  context: CommandContext,
  group: StreamGroup,
  i: number,
): StreamConsumer {
  const found = findConsumer(context, group, i);
  const { request } = context;
  if (found !== undefined) {
    found.seenTime = context.now;
    return found;
  }
  context.changed();
  return group.addConsumer(request.block, request.offset(i), request.length(i), context.now);
}

/** The error of a subcommand whose arguments are not understood. */
export function replySubcommandSyntax(context: CommandContext, container: string): void {
  context.reply.error(subcommandSyntax(context.request.text(1), container));
}

// Replies.

const ARRAY = 42;
const MAP_3 = 37;

/**
 * An array or map whose length is written when it is known. The length is guessed first; where the
 * guess has another number of digits, what follows is moved.
 */
export class OpenAggregate {
  #start = 0;
  #body = 0;
  #isMap = false;

  begin(reply: ReplyWriter, guess: number, isMap = false): void {
    this.#start = reply.position;
    this.#isMap = isMap;
    if (isMap) reply.map(guess);
    else reply.array(guess);
    this.#body = reply.position;
  }

  end(reply: ReplyWriter, length: number): void {
    const isFlat = this.#isMap && reply.protocol !== 3;
    const shown = isFlat ? 2 * length : length;
    const body = this.#start + 1 + decimalLength(shown) + 2;
    const shift = body - this.#body;
    if (shift !== 0) {
      if (shift > 0) reply.reserve(shift);
      reply.block.bytes.copyWithin(body, this.#body, reply.position);
      reply.position += shift;
    }
    const { bytes } = reply.block;
    bytes[this.#start] = this.#isMap && !isFlat ? MAP_3 : ARRAY;
    const at = writeDecimal(bytes, this.#start + 1, shown);
    bytes[at] = 13;
    bytes[at + 1] = 10;
  }

  /** Takes back the head and all that came after it. */
  discard(reply: ReplyWriter): void {
    reply.position = this.#start;
  }
}

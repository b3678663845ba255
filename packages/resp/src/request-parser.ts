/**
 * Incremental parser of requests: RESP arrays of bulk strings, and inline commands.
 *
 * `parse` reads one command out of a block. It allocates nothing: argument spans go into a reused
 * table as (offset, length) pairs, offsets relative to the command's first byte, so they stay valid
 * when an incomplete command is moved to another buffer. When bytes are missing the parser keeps
 * its place; called again with the same command's first byte and more bytes it goes on where it
 * stopped, so a command that arrives in n pieces costs O(bytes + pieces).
 *
 *   *2\r\n $3\r\n GET\r\n $1\r\n k\r\n
 *          spans: ^8,3         ^17,1   (relative to the `*`)
 *
 * Limits and error texts are Redis's (readQueryFromClient's protocol errors). After an error the
 * connection must be closed; the parser is then of no further use until `reset`.
 *
 * Format: Redis serialization protocol specification, "Sending commands to a Redis server".
 */
import { Block } from './block.ts';

/** The command is incomplete: call again with more bytes. */
const NEED_MORE = -1;
/** The input is no request: see `error`. */
const FAILED = -2;
export const ParseError = { NEED_MORE, FAILED } as const;

/** Longest line (inline command, or a length) without its line end. */
const LINE_BYTES_MAX = 64 * 1024;
const ARGUMENTS_MAX = 0x7fffffff;
/** Before AUTH, as Redis: at most 10 arguments of 16 KB. */
const UNAUTHENTICATED_ARGUMENTS_MAX = 10;
const UNAUTHENTICATED_BULK_BYTES_MAX = 16384;
/** Spans kept by an idle parser; a larger table is given up on reset. */
const SPANS_KEPT = 2048;

const CR = 13;
const DOUBLE_QUOTE = 34;
const SINGLE_QUOTE = 39;
const LF = 10;
/** `$`, any byte, CR; and `$`, any two bytes, CR, as masked little-endian words. */
const DOLLAR_X_CR = 0x0d0024;
const DOLLAR_X_X_CR = 0x0d000024;
const INVALID = -1;
const INCOMPLETE = -2;
const TOO_LONG = -3;

export class RequestParser {
  /** (offset, length) of each argument of the last command, relative to `origin` in `block`. */
  spans: Int32Array = new Int32Array(64);
  /** Arguments of the last command; 0 for an empty one, which asks for no reply. */
  argc = 0;
  /** Where the spans of the last command point into. */
  block: Block = EMPTY;
  origin = 0;
  /** Text of the error reply after FAILED. */
  error = '';
  /** Largest bulk string, from proto-max-bulk-len. */
  bulkBytesMax = 512 * 1024 * 1024;
  /** False before AUTH: tighter limits apply. */
  isAuthenticated = true;

  /** Arguments announced by the array's head; 0 before it was read. */
  #announced = 0;
  /** Arguments read so far. */
  #read = 0;
  /** Where to go on, relative to the command's start. */
  #at = 0;
  /** Length of the bulk string whose bytes are awaited, or −1. */
  #bulkLength = -1;
  /** End of the line read by #readLength. */
  #lineEnd = 0;

  /** Forgets a half-read command. */
  reset(): void {
    this.#announced = 0;
    this.#read = 0;
    this.#at = 0;
    this.#bulkLength = -1;
    if (this.spans.length > SPANS_KEPT) this.spans = new Int32Array(64);
  }

  /** Offset of argument `i` in `block`. */
  offset(i: number): number {
    return this.spans[2 * i] + this.origin;
  }

  length(i: number): number {
    return this.spans[2 * i + 1];
  }

  /** Argument as a latin1 string (one character per byte). Not for the hot path. */
  text(i: number): string {
    const from = this.offset(i);
    return this.block.bytes.latin1Slice(from, from + this.length(i));
  }

  /** True in the middle of a command. */
  get isPartial(): boolean {
    return this.#at > 0 || this.#announced > 0;
  }

  /** Bytes from the command's start that the next step of a partial command needs at least. */
  get bytesWanted(): number {
    return this.#bulkLength >= 0 ? this.#at + this.#bulkLength + 2 : this.#at + 1;
  }

  /**
   * Parses the command that begins at `start` in `block`, of which bytes up to `end` are there.
   * Returns the offset after the command, NEED_MORE or FAILED.
   */
  parse(block: Block, start: number, end: number): number {
    if (this.#announced === 0) {
      if (block.view.getUint8(start) !== 42) return this.#parseInline(block, start, end);
      const head = this.#readHead(block, start, end);
      if (head !== 0) return head;
      if (this.#announced <= 0) {
        this.#announced = 0;
        this.argc = 0;
        const after = start + this.#at;
        this.#at = 0;
        return after;
      }
    }
    return this.#readArguments(block, start, end);
  }

  /** Reads `*n\r\n`; 0 when done. */
  #readHead(block: Block, start: number, end: number): number {
    const count = this.#readLength(block, start + 1, end);
    if (count === INCOMPLETE) return NEED_MORE;
    if (count === TOO_LONG) return this.#fail('too big mbulk count string');
    if (count === INVALID && !this.#isMinusOne(block.bytes, start + 1)) {
      return this.#fail('invalid multibulk length');
    }
    if (count > ARGUMENTS_MAX) return this.#fail('invalid multibulk length');
    if (!this.isAuthenticated && count > UNAUTHENTICATED_ARGUMENTS_MAX) {
      return this.#fail('unauthenticated multibulk length');
    }
    this.#announced = count;
    this.#read = 0;
    this.#at = this.#lineEnd - start;
    return 0;
  }

  /** A negative count is a legal way to say nothing. */
  #isMinusOne(bytes: Buffer, at: number): boolean {
    if (bytes[at] !== 45 || this.#lineEnd <= at + 3) return false;
    for (let i = at + 1; i < this.#lineEnd - 2; i++) {
      if (bytes[i] < 48 || bytes[i] > 57) return false;
    }
    return bytes[at + 1] !== 48;
  }

  #readArguments(block: Block, start: number, end: number): number {
    const { view } = block;
    const announced = this.#announced;
    let at = (start + this.#at) | 0;
    let i = this.#read;
    let length = this.#bulkLength;
    let spans = this.spans;
    for (; i < announced; i = (i + 1) | 0) {
      if (length < 0 && ((at + 5) | 0) <= end) {
        // `$n\r` and `$nn\r` at once; whatever else it is, the slow way finds out.
        const head = view.getInt32(at, true);
        const digit = ((head >>> 8) & 0xff) - 48;
        if ((head & 0xff00ff) === DOLLAR_X_CR && digit >= 0 && digit < 10) {
          length = digit;
          at = (at + 4) | 0;
        } else if ((head & 0xff0000ff) === DOLLAR_X_X_CR) {
          const units = ((head >>> 16) & 0xff) - 48;
          if (digit > 0 && digit < 10 && units >= 0 && units < 10) {
            length = (Math.imul(digit, 10) + units) | 0;
            at = (at + 5) | 0;
          }
        }
      }
      if (length < 0) {
        if (at >= end) return this.#pause(at - start, i, -1);
        if (view.getUint8(at) !== 36) {
          // Redis complains when the line is complete, and not before.
          const line = this.#readBadLength(block.bytes, at, end);
          if (line === INCOMPLETE) return this.#pause(at - start, i, -1);
          if (line === TOO_LONG) return this.#fail('too big bulk count string');
          return this.#fail(`expected '$', got '${String.fromCharCode(view.getUint8(at))}'`);
        }
        length = this.#readLength(block, (at + 1) | 0, end);
        if (length < 0) {
          if (length === INCOMPLETE) return this.#pause(at - start, i, -1);
          if (length === TOO_LONG) return this.#fail('too big bulk count string');
          return this.#fail('invalid bulk length');
        }
        if (length > this.bulkBytesMax) return this.#fail('invalid bulk length');
        if (!this.isAuthenticated && length > UNAUTHENTICATED_BULK_BYTES_MAX) {
          return this.#fail('unauthenticated bulk length');
        }
        at = this.#lineEnd;
      }
      if (end - at < length + 2) return this.#pause(at - start, i, length);
      const place = (i << 1) | 0;
      if (place >= spans.length) spans = this.#growSpans();
      spans[place] = (at - start) | 0;
      spans[(place + 1) | 0] = length;
      at = (at + length + 2) | 0;
      length = -1;
    }
    this.argc = announced;
    this.block = block;
    this.origin = start;
    this.#announced = 0;
    this.#read = 0;
    this.#at = 0;
    this.#bulkLength = -1;
    return at;
  }

  #pause(at: number, read: number, bulkLength: number): number {
    this.#at = at;
    this.#read = read;
    this.#bulkLength = bulkLength;
    return NEED_MORE;
  }

  #growSpans(): Int32Array {
    const spans = new Int32Array(this.spans.length * 2);
    spans.set(this.spans);
    this.spans = spans;
    return spans;
  }

  /**
   * Reads a canonical non-negative decimal up to CR LF, leaving `#lineEnd` after the line end.
   * Answers INVALID, INCOMPLETE or TOO_LONG otherwise.
   */
  #readLength(block: Block, from: number, end: number): number {
    const { view } = block;
    let at = from | 0;
    let value = 0;
    while (at < end) {
      const byte = view.getUint8(at);
      if (byte === CR) {
        if (at + 1 >= end) return INCOMPLETE;
        this.#lineEnd = (at + 2) | 0;
        const digits = at - from;
        if (digits === 0 || digits > 10 || (digits > 1 && view.getUint8(from) === 48))
          return INVALID;
        return value;
      }
      if (byte < 48 || byte > 57) return this.#readBadLength(block.bytes, from, end);
      value = value * 10 + byte - 48;
      at = (at + 1) | 0;
    }
    return end - from > LINE_BYTES_MAX ? TOO_LONG : INCOMPLETE;
  }

  /** The line is not a number: wrong once its end is there. */
  #readBadLength(bytes: Buffer, from: number, end: number): number {
    const cr = bytes.subarray(from, end).indexOf(CR);
    if (cr < 0) return end - from > LINE_BYTES_MAX ? TOO_LONG : INCOMPLETE;
    if (from + cr + 1 >= end) return INCOMPLETE;
    this.#lineEnd = from + cr + 2;
    return INVALID;
  }

  #fail(message: string): number {
    this.error = `ERR Protocol error: ${message}`;
    return FAILED;
  }

  /** A line of words, as typed into telnet. */
  #parseInline(block: Block, start: number, end: number): number {
    const { bytes } = block;
    const lineEnd = findLineEnd(block, (start + this.#at) | 0, end);
    // What lies behind `end` is left over from another connection.
    if (lineEnd < 0 || lineEnd >= end) {
      if (end - start > LINE_BYTES_MAX) return this.#fail('too big inline request');
      this.#at = end - start;
      return NEED_MORE;
    }
    this.#at = 0;
    const textEnd = lineEnd > start && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    if (this.#spanWords(block, start, textEnd)) return lineEnd + 1;
    const words = splitWords(bytes.latin1Slice(start, textEnd));
    if (words === undefined) return this.#fail('unbalanced quotes in request');
    this.#useWords(words);
    return lineEnd + 1;
  }

  /** Spans of the words of a line without quotes, where they are; false when it has quotes. */
  #spanWords(block: Block, start: number, end: number): boolean {
    const { view } = block;
    let count = 0;
    let at = start | 0;
    while (at < end) {
      while (at < end && isSpaceByte(view.getUint8(at))) at = (at + 1) | 0;
      const from = at;
      for (; at < end; at = (at + 1) | 0) {
        const byte = view.getUint8(at);
        if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) return false;
        if (isSpaceByte(byte)) break;
      }
      if (at === from) break;
      if (2 * count >= this.spans.length) this.#growSpans();
      this.spans[2 * count] = from - start;
      this.spans[2 * count + 1] = at - from;
      count++;
    }
    this.block = block;
    this.origin = start;
    this.argc = count;
    return true;
  }

  #useWords(words: readonly string[]): void {
    this.block = Block.of(words.join(''));
    this.origin = 0;
    this.argc = words.length;
    let at = 0;
    while (this.spans.length < words.length * 2) this.#growSpans();
    for (let i = 0; i < words.length; i++) {
      this.spans[2 * i] = at;
      this.spans[2 * i + 1] = words[i].length;
      at += words[i].length;
    }
  }
}

const EMPTY = Block.allocate(0);

const ESCAPES: { readonly [letter: string]: string } = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  a: '\x07',
};

/**
 * Splits a line into words the way redis-cli and redis.conf do: double quotes with escapes, single
 * quotes with only \', a closing quote must end the word. Undefined when quotes are unbalanced.
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let i = 0;
  for (;;) {
    while (i < line.length && isSpace(line[i])) i++;
    if (i >= line.length) return words;
    const word = readWord(line, i);
    if (word === undefined) return undefined;
    words.push(word.text);
    i = word.end;
  }
}

function isSpaceByte(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13) || byte === 0;
}

function isSpace(char: string): boolean {
  return char === ' ' || (char >= '\t' && char <= '\r') || char === '\0';
}

function readWord(line: string, start: number): { text: string; end: number } | undefined {
  let text = '';
  let quote = '';
  let i = start;
  for (; i < line.length || quote !== ''; i++) {
    if (i >= line.length) return undefined;
    const char = line[i];
    if (quote === '' && isSpace(char)) break;
    if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
    } else if (quote !== '' && char === quote) {
      if (i + 1 < line.length && !isSpace(line[i + 1])) return undefined;
      return { text, end: i + 1 };
    } else if (quote === '"' && char === '\\' && i + 1 < line.length) {
      const hex = /^x[0-9a-fA-F]{2}/.exec(line.slice(i + 1, i + 4));
      text += hex
        ? String.fromCharCode(Number.parseInt(hex[0].slice(1), 16))
        : (ESCAPES[line[i + 1]] ?? line[i + 1]);
      i += hex ? 3 : 1;
    } else if (quote === "'" && char === '\\' && line[i + 1] === "'") {
      text += "'";
      i++;
    } else {
      text += char;
    }
  }
  return { text, end: i };
}

/** Lines up to this long are searched here: a call into Node would cost more. */
const SHORT_LINE_BYTES = 64;

/** Offset of the first line feed from `from` on; where there is none, −1 or one behind `end`. */
function findLineEnd(block: Block, from: number, end: number): number {
  const { bytes, view } = block;
  const near = Math.min(end, from + SHORT_LINE_BYTES);
  for (let at = from; at < near; at = (at + 1) | 0) if (view.getUint8(at) === LF) return at;
  return near === end ? -1 : bytes.indexOf(LF, near);
}

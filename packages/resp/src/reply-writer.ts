/**
 * Writes RESP2 or RESP3 replies into one growing block.
 *
 * The writer of a shard or gateway is reused for every command: nothing is allocated per reply, and
 * the bytes written are the bytes that go to the socket. `protocol` is set by whoever executes the
 * request, before the handler runs; handlers call the typed methods and never ask which version
 * they speak. The block doubles when a reply does not fit; `reset` keeps it unless it grew beyond
 * what is worth keeping.
 *
 * Formats: the Redis serialization protocol specification, RESP2 and RESP3.
 */
import { Block, copyBytes } from './block.ts';

const CR = 13;
const LF = 10;
const MINUS = 45;
const BILLION = 1e9;
const BILLION_ZEROS = 9;

/** Replies that are constant bytes are prepared once. */
/** `+OK\r` as a little-endian word. */
const PLUS_OK_CR = 0x0d4b4f2b;
const NULL_BULK = Block.of('$-1\r\n');
const NULL_ARRAY = Block.of('*-1\r\n');
const NULL_3 = Block.of('_\r\n');

/** Largest head of any aggregate or number: type byte, 20 digits, sign, CR LF. */
const HEAD_BYTES_MAX = 32;
/** Different error codes that are counted. */
const ERROR_CODES_MAX = 128;

export class ReplyWriter {
  block: Block;
  /** Where the next byte goes. */
  position = 0;
  /** RESP version of the connection that is answered: 2 or 3. */
  protocol = 2;
  readonly #size: number;
  /** Counts error replies; the engine reads it to tell a failed call from a good one. */
  errors = 0;
  /** How often each error code (the first word of an error reply) was replied; for INFO. */
  readonly errorCodes = new Map<string, number>();

  /** `size`: bytes of the block that is kept between uses. */
  constructor(size: number) {
    this.#size = size;
    this.block = Block.allocate(size);
  }

  /** Starts over; gives up a block that a large reply made larger than `size`. */
  reset(): void {
    this.position = 0;
    if (this.block.bytes.length > this.#size) this.block = Block.allocate(this.#size);
  }

  /** Hands the block with its replies to the caller and goes on with `next`, or a new block. */
  take(next?: Block): Block {
    const taken = this.block;
    this.block = next ?? Block.allocate(this.#size);
    this.position = 0;
    return taken;
  }

  /** Makes room for `bytes` more bytes. */
  reserve(bytes: number): void {
    if (this.position + bytes > this.block.size) this.#grow(bytes);
  }

  #grow(bytes: number): void {
    const old = this.block;
    this.block = Block.allocate(Math.max(old.bytes.length * 2, this.position + bytes));
    old.bytes.copy(this.block.bytes, 0, 0, this.position);
  }

  ok(): void {
    this.reserve(5);
    const { view } = this.block;
    const at = this.position | 0;
    view.setInt32(at, PLUS_OK_CR, true);
    view.setUint8((at + 4) | 0, LF);
    this.position = (at + 5) | 0;
  }

  /** A prepared reply, for example from `Block.of('+QUEUED\r\n')`. */
  constant(reply: Block): void {
    const length = reply.bytes.length;
    this.reserve(length);
    copyBytes(this.block, this.position, reply, 0, length);
    this.position += length;
  }

  /** Status reply: `+text`. */
  simple(text: string): void {
    this.reserve(text.length + 3);
    const { bytes } = this.block;
    let at = this.position;
    bytes[at++] = 43;
    at += bytes.latin1Write(text, at);
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.position = at;
  }

  /**
   * Error reply: `-text`, where `text` begins with the error's code. Control bytes that would break
   * the line (client input quoted in an error) become spaces, as in Redis.
   */
  error(text: string): void {
    this.#countCode(text);
    this.countedError(text);
  }

  /** Counts an error that is not replied, or not as it is. */
  countError(text: string): void {
    this.errors++;
    this.#countCode(text);
  }

  /** `error`, for one whose code has been counted already. */
  countedError(text: string): void {
    this.errors++;
    const line = /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, ' ') : text;
    this.reserve(line.length + 3);
    const { bytes } = this.block;
    let at = this.position;
    bytes[at++] = 45;
    at += bytes.latin1Write(line, at);
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.position = at;
  }

  #countCode(text: string): void {
    const space = text.indexOf(' ');
    const code = space < 0 ? text : text.slice(0, space);
    const count = this.errorCodes.get(code);
    // Codes may come from clients: their number is bounded.
    if (count === undefined && this.errorCodes.size >= ERROR_CODES_MAX) return;
    this.errorCodes.set(code, (count ?? 0) + 1);
  }

  /** Integer reply. `value` must be an integer within ±2^53; see `bigInteger` for the rest. */
  integer(value: number): void {
    this.reserve(HEAD_BYTES_MAX);
    const { bytes } = this.block;
    if (value >= 0 && value < 10) {
      const at = this.position;
      bytes[at] = 58;
      bytes[at + 1] = 48 + value;
      bytes[at + 2] = CR;
      bytes[at + 3] = LF;
      this.position = at + 4;
      return;
    }
    this.#head(58, value);
  }

  /** Integer reply of any 64-bit value. */
  bigInteger(value: bigint): void {
    this.#line(':', value.toString());
  }

  /** Number of elements of an array that the caller writes next. */
  array(length: number): void {
    this.reserve(HEAD_BYTES_MAX);
    this.#head(42, length);
  }

  /** Number of pairs of a map; a flat array of twice as many elements in RESP2. */
  map(pairs: number): void {
    this.reserve(HEAD_BYTES_MAX);
    if (this.protocol === 3) this.#head(37, pairs);
    else this.#head(42, pairs * 2);
  }

  /** Number of members of a set; an array in RESP2. */
  set(length: number): void {
    this.reserve(HEAD_BYTES_MAX);
    this.#head(this.protocol === 3 ? 126 : 42, length);
  }

  /** Number of elements of a push message; an array in RESP2. */
  push(length: number): void {
    this.reserve(HEAD_BYTES_MAX);
    this.#head(this.protocol === 3 ? 62 : 42, length);
  }

  /** Number of attribute pairs that precede the next reply (RESP3 only; nothing in RESP2). */
  attribute(pairs: number): void {
    if (this.protocol !== 3) return;
    this.reserve(HEAD_BYTES_MAX);
    this.#head(124, pairs);
  }

  /** Missing value: null bulk string in RESP2, null in RESP3. */
  null(): void {
    this.constant(this.protocol === 3 ? NULL_3 : NULL_BULK);
  }

  /** Missing array: null array in RESP2, null in RESP3. */
  nullArray(): void {
    this.constant(this.protocol === 3 ? NULL_3 : NULL_ARRAY);
  }

  /** Boolean: integer 0 or 1 in RESP2. */
  boolean(value: boolean): void {
    if (this.protocol === 3) this.#line('#', value ? 't' : 'f');
    else this.integer(value ? 1 : 0);
  }

  /** Double in RESP3, bulk string in RESP2; `text` is the number as Redis formats it. */
  double(text: string): void {
    if (this.protocol === 3) this.#line(',', text);
    else this.text(text);
  }

  /** Big number in RESP3, bulk string in RESP2. */
  bigNumber(digits: string): void {
    if (this.protocol === 3) this.#line('(', digits);
    else this.text(digits);
  }

  /** Verbatim text (`format` has three letters) in RESP3, bulk string in RESP2. */
  verbatim(format: string, text: string): void {
    if (this.protocol !== 3) {
      this.text(text);
      return;
    }
    const body = Buffer.from(text, 'latin1');
    this.reserve(HEAD_BYTES_MAX + body.length + 6);
    this.#head(61, body.length + 4);
    this.position += this.block.bytes.latin1Write(`${format}:`, this.position);
    this.raw(body);
    this.#lineEnd();
  }

  /** Bulk string of a latin1 string: one character, one byte. */
  text(value: string): void {
    this.reserve(HEAD_BYTES_MAX + value.length + 2);
    this.#head(36, value.length);
    this.position += this.block.bytes.latin1Write(value, this.position);
    this.#lineEnd();
  }

  /** Bulk string of a whole buffer. */
  buffer(value: Uint8Array): void {
    this.reserve(HEAD_BYTES_MAX + value.length + 2);
    this.#head(36, value.length);
    this.raw(value);
    this.#lineEnd();
  }

  /** Bulk string of `length` bytes of `source`; the hot path of GET. */
  bulk(source: Block, offset: number, length: number): void {
    this.reserve(HEAD_BYTES_MAX + length + 2);
    const { block } = this;
    const { bytes } = block;
    let at = this.position | 0;
    bytes[at] = 36;
    at = (at + 1) | 0;
    if (length < 10) {
      bytes[at] = (48 + length) | 0;
      at = (at + 1) | 0;
    } else if (length < 100) {
      const tens = (length / 10) | 0;
      bytes[at] = (48 + tens) | 0;
      bytes[(at + 1) | 0] = (48 + length - tens * 10) | 0;
      at = (at + 2) | 0;
    } else {
      at = writeDecimal(bytes, at, length);
    }
    bytes[at] = CR;
    bytes[(at + 1) | 0] = LF;
    at = (at + 2) | 0;
    copyBytes(block, at, source, offset, length);
    at = (at + length) | 0;
    bytes[at] = CR;
    bytes[(at + 1) | 0] = LF;
    this.position = (at + 2) | 0;
  }

  /** Bytes that are a reply already, for example from another shard. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.block.bytes.set(bytes, this.position);
    this.position += bytes.length;
  }

  #lineEnd(): void {
    const { bytes } = this.block;
    bytes[this.position] = CR;
    bytes[this.position + 1] = LF;
    this.position += 2;
  }

  #line(type: string, text: string): void {
    this.reserve(text.length + 3);
    this.position += this.block.bytes.latin1Write(`${type}${text}\r\n`, this.position);
  }

  /** Type byte, decimal, CR LF. The caller has reserved the room. */
  #head(type: number, value: number): void {
    const { bytes } = this.block;
    bytes[this.position] = type;
    const at = writeDecimal(bytes, this.position + 1, value);
    bytes[at] = CR;
    bytes[at + 1] = LF;
    this.position = at + 2;
  }
}

/**
 * Writes an integer (within ±2^53) in decimal at `at` and returns the offset after it. The caller
 * has made sure of the room (17 bytes).
 */
export function writeDecimal(bytes: Buffer, at: number, value: number): number {
  if (value > 0x3fffffff) return writeLongDecimal(bytes, at, value);
  if (value < 0) {
    bytes[at] = MINUS;
    return writeDecimal(bytes, at + 1, -value);
  }
  const rest = value | 0;
  const digits = decimalLength(rest);
  writeDigits(bytes, at, rest, digits);
  return (at + digits) | 0;
}

/** Times have thirteen digits: two halves that fit in 31 bits. */
function writeLongDecimal(bytes: Buffer, at: number, value: number): number {
  let high = Math.floor(value / BILLION);
  let low = value - high * BILLION;
  // The quotient was rounded up to a whole number.
  if (low < 0) {
    high--;
    low += BILLION;
  }
  const end = high === 0 ? at : writeDecimal(bytes, at, high);
  const digits = high === 0 ? decimalLength(low) : BILLION_ZEROS;
  writeDigits(bytes, end, low, digits);
  return (end + digits) | 0;
}

function writeDigits(bytes: Buffer, at: number, value: number, digits: number): void {
  let rest = value | 0;
  for (let i = (at + digits - 1) | 0; i >= at; i = (i - 1) | 0) {
    const tenth = (rest / 10) | 0;
    bytes[i] = (48 + rest - Math.imul(tenth, 10)) | 0;
    rest = tenth;
  }
}

/** Digits of a non-negative 31-bit integer. */
export function decimalLength(value: number): number {
  if (value < 1000) return value < 10 ? 1 : value < 100 ? 2 : 3;
  if (value < 1000000) return value < 10000 ? 4 : value < 100000 ? 5 : 6;
  if (value < 100000000) return value < 10000000 ? 7 : 8;
  return value < 1000000000 ? 9 : 10;
}

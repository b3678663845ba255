/**
 * A growable output buffer: every encoder of this package writes into one.
 *
 * The idea: one Buffer with room behind `length`; a write stores bytes and moves `length`, and
 * allocates only when the room is used up, then doubling, so that the cost of growth is constant
 * per byte. Reset keeps the buffer for the next use; take gives it away.
 *
 * Invariant: bytes[0, length) is what was written; what lies behind is undefined.
 *
 * Numbers are written without views or BigInt where they fit a double. Byte order is part of the
 * method's name, since RDB uses both.
 */

const CAPACITY_DEFAULT = 1024;
/** Below this a copy loop beats the call into Buffer.copy. */
const COPY_LOOP_MAX = 16;
const TWO_32 = 0x1_0000_0000;

export class ByteSink {
  /** Replaced on growth: do not keep a reference across a write. */
  bytes: Buffer;
  length = 0;

  constructor(capacity = CAPACITY_DEFAULT) {
    this.bytes = Buffer.allocUnsafeSlow(Math.max(16, capacity));
  }

  /** Makes room for `byteCount` more bytes. */
  reserve(byteCount: number): void {
    const needed = this.length + byteCount;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  u8(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u16le(value: number): void {
    this.reserve(2);
    const { bytes, length } = this;
    bytes[length] = value;
    bytes[length + 1] = value >>> 8;
    this.length = length + 2;
  }

  u32le(value: number): void {
    this.reserve(4);
    const { bytes, length } = this;
    bytes[length] = value;
    bytes[length + 1] = value >>> 8;
    bytes[length + 2] = value >>> 16;
    bytes[length + 3] = value >>> 24;
    this.length = length + 4;
  }

  u32be(value: number): void {
    this.reserve(4);
    const { bytes, length } = this;
    bytes[length] = value >>> 24;
    bytes[length + 1] = value >>> 16;
    bytes[length + 2] = value >>> 8;
    bytes[length + 3] = value;
    this.length = length + 4;
  }

  /** A safe integer, negative ones in two's complement. */
  u64le(value: number): void {
    this.u32le(value % TWO_32);
    this.u32le(Math.floor(value / TWO_32));
  }

  /** A non-negative safe integer. */
  u64be(value: number): void {
    this.u32be(Math.floor(value / TWO_32));
    this.u32be(value % TWO_32);
  }

  /** Any 64-bit integer; the value is taken modulo 2^64. */
  bigU64le(value: bigint): void {
    this.reserve(8);
    this.length = this.bytes.writeBigUInt64LE(BigInt.asUintN(64, value), this.length);
  }

  bigU64be(value: bigint): void {
    this.reserve(8);
    this.length = this.bytes.writeBigUInt64BE(BigInt.asUintN(64, value), this.length);
  }

  f64le(value: number): void {
    this.reserve(8);
    this.length = this.bytes.writeDoubleLE(value, this.length);
  }

  /** source[start, end), copied. */
  copyFrom(source: Uint8Array, start = 0, end = source.length): void {
    const byteCount = end - start;
    this.reserve(byteCount);
    const { bytes, length } = this;
    if (byteCount <= COPY_LOOP_MAX) {
      for (let at = 0; at < byteCount; at++) bytes[length + at] = source[start + at];
    } else if (Buffer.isBuffer(source)) {
      source.copy(bytes, length, start, end);
    } else {
      bytes.set(source.subarray(start, end), length);
    }
    this.length = length + byteCount;
  }

  /** A string whose characters are bytes (latin1). */
  latin1(text: string): void {
    this.reserve(text.length);
    this.length += this.bytes.write(text, this.length, 'latin1');
  }

  /** Drops what was written after `length` bytes. */
  truncate(length: number): void {
    this.length = length;
  }

  /** Forgets everything written; the buffer stays. */
  reset(): void {
    this.length = 0;
  }

  /** What was written, not copied: valid until the next write or reset. */
  view(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  /** What was written, given away; the sink goes on with a new buffer of `capacity` bytes. */
  take(capacity = CAPACITY_DEFAULT): Buffer {
    const taken = this.view();
    this.bytes = Buffer.allocUnsafeSlow(Math.max(16, capacity));
    this.length = 0;
    return taken;
  }
}

/**
 * A growing buffer that encoders write bytes into, to make one flat string of them at the end. One
 * for the thread: no encoder calls a script. It is let go when it has become large.
 *
 * Cost: amortised constant per byte; growth is charged to the meter before it happens, and ends at
 * the longest string.
 */
import { LuaError } from '../errors.ts';
import { STRING_BYTES_MAX } from '../limits.ts';
import { meter } from '../meter.ts';

const KEPT_BYTES = 65_536;
/** Up to here a loop is faster than a call to native code. */
const SHORT_BYTES = 24;

export class ByteWriter {
  buffer: Buffer = Buffer.allocUnsafeSlow(KEPT_BYTES);
  size = 0;

  /** All that `write` wrote, as a string. */
  collect(write: () => void): string {
    this.size = 0;
    try {
      write();
      meter.chargeString(this.size);
      return this.buffer.latin1Slice(0, this.size);
    } finally {
      if (this.buffer.length > KEPT_BYTES) this.buffer = Buffer.allocUnsafeSlow(KEPT_BYTES);
    }
  }

  /** Makes room for so many bytes; what writes to `buffer` itself does so before. */
  reserve(bytes: number): void {
    if (this.size + bytes > this.buffer.length) this.#grow(this.size + bytes);
  }

  #grow(needed: number): void {
    if (needed > STRING_BYTES_MAX) throw new LuaError('not enough memory');
    meter.chargeString(needed);
    const larger = Buffer.allocUnsafeSlow(Math.min(2 * needed, STRING_BYTES_MAX));
    this.buffer.copy(larger, 0, 0, this.size);
    this.buffer = larger;
  }

  byte(value: number): void {
    if (this.size === this.buffer.length) this.#grow(this.size + 1);
    this.buffer[this.size++] = value;
  }

  text(text: string): void {
    const { length } = text;
    this.reserve(length);
    const { buffer, size } = this;
    if (length > SHORT_BYTES) buffer.latin1Write(text, size, length);
    else for (let at = 0; at < length; at++) buffer[size + at] = text.charCodeAt(at);
    this.size = size + length;
  }
}

export const byteWriter: ByteWriter = new ByteWriter();

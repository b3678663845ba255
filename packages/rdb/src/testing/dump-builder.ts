/** For tests: RDB files and packed blobs put together by hand, where redis-server 7 makes none. */

import { ByteSink } from '../byte-sink.ts';
import { Crc64 } from '../crc64.ts';
import { writeString } from '../length-encoding.ts';

/** A file of the given items between header and checksum. */
export function rdbFile(items: (sink: ByteSink) => void, version = 12): Buffer {
  const sink = new ByteSink();
  sink.latin1(`REDIS${String(version).padStart(4, '0')}`);
  items(sink);
  sink.u8(255);
  if (version >= 5) {
    const crc = new Crc64();
    crc.update(sink.bytes, 0, sink.length);
    sink.bigU64le(crc.digest());
  }
  return sink.take();
}

/** A string item, plain or integer. */
export function putString(sink: ByteSink, value: string | Buffer): void {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
  writeString(sink, bytes, 0, bytes.length, false);
}

/** A ziplist of ready-made entries (encoding and data, without the size before). */
export function ziplist(entries: readonly Buffer[]): Buffer {
  const sink = new ByteSink();
  sink.u32le(0);
  sink.u32le(0);
  sink.u16le(entries.length);
  let previous = 0;
  let last = sink.length;
  for (const entry of entries) {
    last = sink.length;
    if (previous < 254) sink.u8(previous);
    else {
      sink.u8(254);
      sink.u32le(previous);
    }
    sink.copyFrom(entry);
    previous = sink.length - last;
  }
  sink.u8(0xff);
  const blob = sink.take();
  blob.writeUInt32LE(blob.length, 0);
  blob.writeUInt32LE(last, 4);
  return blob;
}

/** A ziplist entry for a string. */
export function ziplistText(text: string): Buffer {
  const { length } = text;
  const sink = new ByteSink();
  if (length < 64) sink.u8(length);
  else if (length < 16384) {
    sink.u8(0x40 | (length >>> 8));
    sink.u8(length & 0xff);
  } else {
    sink.u8(0x80);
    sink.u32be(length);
  }
  sink.latin1(text);
  return sink.take();
}

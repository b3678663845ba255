/**
 * The frame of a DUMP payload, which RESTORE takes:
 *
 *     ├ type: u8 ┼ value, as in an RDB file ┼ RDB version: u16 ┼ CRC-64: u64 ┤    little-endian
 *
 * The CRC covers everything before it; unlike that of a file it is never left out. What stands
 * between type and version is what the scanner calls a raw value, so the codec of snapshots serves
 * DUMP too.
 *
 * Source: createDumpPayload and verifyDumpPayload in cluster.c of Redis 7.0.
 */

import type { ByteSink } from './byte-sink.ts';
import { Crc64 } from './crc64.ts';
import { RDB_VERSION_DEFAULT, RDB_VERSION_MAX } from './opcodes.ts';

/** Version and checksum. */
export const DUMP_FOOTER_BYTES = 10;

/** Ends the payload that was begun at `start` of the sink with a type byte and a value. */
export function writeDumpFooter(
  sink: ByteSink,
  start: number,
  version: number = RDB_VERSION_DEFAULT,
): void {
  sink.u16le(version);
  const crc = new Crc64();
  crc.update(sink.bytes, start, sink.length);
  sink.u32le(crc.lo);
  sink.u32le(crc.hi);
}

/**
 * Whether payload[start, end) is a DUMP payload of a version this package reads, with the right
 * checksum. Its type byte is then payload[start], its value lies in
 * payload[start + 1, end - DUMP_FOOTER_BYTES) and has not been looked at yet.
 */
export function verifyDumpFooter(payload: Buffer, start: number, end: number): boolean {
  const footer = end - DUMP_FOOTER_BYTES;
  return footer > start && isFooterRight(payload, start, footer);
}

/** Whether version and checksum at `footer` are right for what begins at `start`. */
export function isFooterRight(payload: Buffer, start: number, footer: number): boolean {
  if (payload.readUInt16LE(footer) > RDB_VERSION_MAX) return false;
  const crc = new Crc64();
  crc.update(payload, start, footer + 2);
  return crc.matches(payload, footer + 2);
}

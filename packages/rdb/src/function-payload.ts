/**
 * Libraries of functions outside a file: what FUNCTION DUMP gives and FUNCTION RESTORE takes.
 *
 *     ├ 245: u8 ┼ source, as a string of an RDB file ┼ … ┼ RDB version: u16 ┼ CRC-64: u64 ┤
 *
 * The records are those of an RDB file, the end is that of DUMP; there may be no record at all.
 *
 * Source: functionDumpCommand and functionRestoreCommand of Redis 7.0.
 */

import { ByteSink } from './byte-sink.ts';
import { DUMP_FOOTER_BYTES, isFooterRight, writeDumpFooter } from './dump-payload.ts';
import { RdbCursor, writeString } from './length-encoding.ts';
import { Opcode } from './opcodes.ts';
import { RdbFormatError } from './rdb-format-error.ts';

/** What ends the reading of a payload before its end. */
export type LibraryPayloadProblem = 'not a function' | 'of a pre-release' | 'broken';

export interface LibraryPayload {
  /** Sources, as latin1 text. */
  readonly sources: readonly string[];
  readonly problem: LibraryPayloadProblem | undefined;
}

/** Writes a library as a file has it. */
export function writeLibrary(sink: ByteSink, source: Buffer, compress: boolean): void {
  sink.u8(Opcode.function2);
  writeString(sink, source, 0, source.length, compress);
}

/** `sources` are latin1 text. */
export function encodeLibraries(sources: readonly string[], compress: boolean): Buffer {
  const sink = new ByteSink();
  for (const source of sources) writeLibrary(sink, Buffer.from(source, 'latin1'), compress);
  writeDumpFooter(sink, 0);
  return sink.take();
}

/** Undefined when version or checksum are wrong. */
export function decodeLibraries(payload: Buffer): LibraryPayload | undefined {
  const end = payload.length - DUMP_FOOTER_BYTES;
  if (end < 0 || !isFooterRight(payload, 0, end)) return undefined;
  const cursor = new RdbCursor(payload, 0, end);
  const sources: string[] = [];
  while (!cursor.atEnd) {
    const problem = readLibrary(cursor, sources);
    if (problem !== undefined) return { sources, problem };
  }
  return { sources, problem: undefined };
}

function readLibrary(cursor: RdbCursor, sources: string[]): LibraryPayloadProblem | undefined {
  const type = cursor.u8();
  if (type === Opcode.functionPreGa) return 'of a pre-release';
  if (type !== Opcode.function2) return 'not a function';
  try {
    sources.push(cursor.stringBuffer().toString('latin1'));
    return undefined;
  } catch (error) {
    if (error instanceof RdbFormatError) return 'broken';
    throw error;
  }
}

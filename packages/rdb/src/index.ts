/**
 * @hashlane/rdb: Redis's dump format. Two levels:
 *
 * - the format: pieces (byte-sink, length-encoding, lzf, crc64), packed sequences (listpack,
 *   ziplist, intset, zipmap), files (record-scanner, file-reader, file-writer) and the frame of
 *   DUMP (dump-payload). It knows nothing of the keyspace;
 * - the codec between raw values and the keyspace (value-codec).
 *
 * A shard encodes values, a background task writes the file; a background task scans the file,
 * the shards decode the values. So one encoder and one decoder serve snapshot, DUMP and RESTORE.
 */

export { ByteSink } from './byte-sink.ts';
export { Crc64, crc64 } from './crc64.ts';
export { DUMP_FOOTER_BYTES, verifyDumpFooter, writeDumpFooter } from './dump-payload.ts';
export { diskFiles, type FileLayer, type SnapshotFile } from './file-layer.ts';
export {
  type ReadOptions,
  type ReadResult,
  readSnapshot,
  type SnapshotHandlers,
} from './file-reader.ts';
export {
  type DatabaseSize,
  removeStaleTemporaries,
  type SnapshotOptions,
  SnapshotWriter,
} from './file-writer.ts';
export {
  decodeLibraries,
  encodeLibraries,
  type LibraryPayloadProblem,
} from './function-payload.ts';
export { readIntset } from './intset.ts';
export {
  RdbCursor,
  writeAsciiDouble,
  writeBigLength,
  writeBinaryDouble,
  writeIntegerString,
  writeLength,
  writeString,
} from './length-encoding.ts';
export { checkListpack, readListpack } from './listpack.ts';
export { lzfCompress, lzfDecompress } from './lzf.ts';
export { Opcode, RDB_VERSION_DEFAULT, RDB_VERSION_MAX, ValueType } from './opcodes.ts';
export { asBytes, type ElementVisitor } from './packed-element.ts';
export { RdbFormatError } from './rdb-format-error.ts';
export {
  type RawRecord,
  RecordScanner,
  ScanEvent,
  type ScannerOptions,
} from './record-scanner.ts';
export { RdbValueCodec } from './value-codec.ts';
export { readZiplist } from './ziplist.ts';
export { readZipmap } from './zipmap.ts';

/**
 * Cuts an RDB file, given in chunks of any size, into records, without decoding the values.
 *
 * A record is a key with its value still in file form: the bytes between `valueStart` and
 * `valueEnd` are what DUMP would show, less its footer. Whoever scans need not know the keyspace:
 * it routes the record by its key, and the shard that owns the key decodes the value.
 *
 *     scanner.feed(chunk);
 *     for (let event = scanner.next(); event !== ScanEvent.needMore; event = scanner.next()) …
 *     …
 *     scanner.finish();   // after the last chunk: throws unless the end marker was seen
 *
 * The idea: an item (a type byte and what belongs to it) that lies whole in a chunk is delivered
 * as spans of that chunk, without a copy. An item cut by the end of a chunk moves to a *carry*, a
 * buffer of its own, to which just as much of the following chunks is added as the item turns out
 * to need; then the scanner goes on in the chunk where the item ended.
 *
 *     chunk 1  ├─ record ─┼─ record ─┼─ rec        carry  ├─ rec
 *     chunk 2  ord ─┼─ record ─┼ …                        ├─ record ─┤
 *
 * The walk over a cut item is resumed, never repeated, and the carry gets its final size at once
 * where that is known (a string) and doubles where it is not (a long list), so that every byte is
 * copied a bounded number of times.
 *
 * Invariants:
 * - The bytes of all records stay untouched by the scanner: those in a chunk as long as the caller
 *   leaves the chunk alone, those in a carry for ever, since a carry is used for one item only.
 * - The CRC covers exactly the bytes up to and including the end marker.
 *
 * Cost: no allocation per record; `record` is one object, overwritten by the next call of `next`.
 *
 * Not here: expiry (a record that expired long ago is delivered), duplicate keys, values that make
 * no sense inside (a corrupt listpack): the decoders and the loader see to those.
 */

import { Crc64 } from './crc64.ts';
import { RdbCursor } from './length-encoding.ts';
import {
  Opcode,
  RDB_VERSION_CHECKSUM,
  RDB_VERSION_MAX,
  RDB_VERSION_MIN,
  ValueType,
} from './opcodes.ts';
import { RdbFormatError } from './rdb-format-error.ts';
import { ItemWalker, itemPrograms } from './value-layout.ts';

const HEADER_BYTES = 9;
const CHECKSUM_BYTES = 8;
const EMPTY = Buffer.alloc(0);
/** What a carry takes from a chunk at least, lest a long list grow element by element. */
const CARRY_STEP_BYTES = 64 * 1024;
/** Without a known file size, how far ahead of its bytes a string's length is believed. */
const UNTRUSTED_GROWTH_BYTES = 16 * 1024 * 1024;

/** Characters of a key that an error message shows. */
const KEY_SHOWN_MAX = 64;

export const ScanEvent = {
  /** Everything fed so far was delivered. */
  needMore: 'needMore',
  /** `record` is filled. */
  record: 'record',
  /** `auxName` and `auxValue` are filled. */
  aux: 'aux',
  /** `library` is filled: the source text of a function library (FUNCTION LOAD). */
  library: 'library',
  /** `moduleName` is filled: data of a module outside the keyspace was passed over. */
  moduleAux: 'moduleAux',
  /** `resize` is filled: how many keys the file announces for a database. */
  resize: 'resize',
  /** The end marker was seen and the checksum, if any, is right. */
  end: 'end',
} as const;

export type ScanEvent = (typeof ScanEvent)[keyof typeof ScanEvent];

/** One key with its value in file form. Overwritten by the scanner's next event. */
export interface RawRecord {
  db: number;
  /** Unix time in ms; -1: no expiry. */
  expireAtMs: number;
  /** Seconds since the last access (LRU); -1: not given. */
  idleSeconds: number;
  /** Access counter 0–255 (LFU); -1: not given. */
  frequency: number;
  type: ValueType;
  keyBytes: Buffer;
  keyStart: number;
  keyEnd: number;
  valueBytes: Buffer;
  valueStart: number;
  valueEnd: number;
  /** Where the type byte stands in the file. */
  offset: number;
  /**
   * Whether valueBytes holds nothing but this record, so that it may be kept or transferred
   * without a copy. True for every record larger than a chunk.
   */
  owned: boolean;
}

export interface ScannerOptions {
  /** Size of the whole input, where known: lets a length beyond it be refused at once. */
  readonly totalBytes?: number;
  /** False: compute no CRC and believe the file (`rdbchecksum no`). */
  readonly verifyChecksum?: boolean;
}

type State = 'header' | 'item' | 'walking' | 'checksum' | 'ended';

export class RecordScanner {
  readonly record: RawRecord = emptyRecord();
  auxName: Buffer = EMPTY;
  auxValue: Buffer = EMPTY;
  library: Buffer = EMPTY;
  moduleName = '';
  readonly resize = { db: 0, keys: 0, expires: 0 };
  /** RDB version of the file; 0 before the header was read. */
  version = 0;

  readonly #totalBytes: number;
  readonly #verifyChecksum: boolean;
  readonly #crc = new Crc64();
  readonly #walker = new ItemWalker();
  #state: State = 'header';

  #chunk: Buffer = EMPTY;
  /** Offset of #chunk[0] in the input. */
  #chunkBase = 0;
  /** Next byte of the chunk to look at. */
  #at = 0;
  /** The chunk's bytes before it are in the CRC. */
  #summed = 0;

  /** The item that a chunk's end cut: bytes [0, #carryLength), empty when there is none. */
  #carry: Buffer = EMPTY;
  #carryLength = 0;
  #itemOffset = 0;

  #type = 0;
  #db = 0;
  #expireAtMs = -1;
  #idleSeconds = -1;
  #frequency = -1;

  constructor(options: ScannerOptions = {}) {
    this.#totalBytes = options.totalBytes ?? Number.POSITIVE_INFINITY;
    this.#verifyChecksum = options.verifyChecksum ?? true;
  }

  /** Bytes of the input that the delivered events cover; after `end`, the size of the RDB part. */
  get offset(): number {
    const fixed = this.#carryLength > 0 || this.ended;
    return fixed ? this.#itemOffset : this.#chunkBase + this.#at;
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** Gives the next bytes of the input. Allowed at the beginning and after `needMore`. */
  feed(chunk: Buffer): void {
    if (this.#at < this.#chunk.length && !this.ended) {
      throw new Error('RecordScanner: fed before the last chunk was used up');
    }
    this.#chunkBase += this.#chunk.length;
    this.#chunk = chunk;
    this.#at = 0;
    this.#summed = 0;
  }

  /** The next event. Throws RdbFormatError when the input is not a valid RDB file. */
  next(): ScanEvent {
    for (;;) {
      const event = this.#step();
      if (event !== undefined) return event;
    }
  }

  /** To be called when there is no more input. Throws RdbFormatError when it was cut off. */
  finish(): void {
    if (this.ended) return;
    const end = this.#chunkBase + this.#chunk.length;
    const start = this.offset;
    throw new RdbFormatError(
      'truncated',
      end,
      `the item that begins at byte ${start} is not whole`,
    );
  }

  /** One step; undefined when it made progress that is nobody's business. */
  #step(): ScanEvent | undefined {
    switch (this.#state) {
      case 'item':
        return this.#beginItem();
      case 'walking':
        return this.#walk();
      case 'header':
        return this.#readHeader();
      case 'checksum':
        return this.#readChecksum();
      default:
        return ScanEvent.end;
    }
  }

  #needMore(): ScanEvent {
    if (this.#state !== 'checksum') this.#sum(this.#chunk.length);
    return ScanEvent.needMore;
  }

  /** Takes the chunk's bytes before `end` into the CRC. */
  #sum(end: number): void {
    if (this.#verifyChecksum) this.#crc.update(this.#chunk, this.#summed, end);
    this.#summed = end;
  }

  #readHeader(): ScanEvent | undefined {
    this.#collect(HEADER_BYTES);
    this.#checkSignature();
    if (this.#carryLength < HEADER_BYTES) return this.#needMore();
    const digits = this.#carry.toString('latin1', 5, HEADER_BYTES);
    if (!/^\d{4}$/.test(digits)) {
      throw new RdbFormatError('not an RDB file: no version', 5, JSON.stringify(digits));
    }
    const version = Number(digits);
    if (version < RDB_VERSION_MIN || version > RDB_VERSION_MAX) {
      throw new RdbFormatError(`RDB version ${version} is not supported`, 5);
    }
    this.version = version;
    this.#carryLength = 0;
    this.#state = 'item';
    return undefined;
  }

  #checkSignature(): void {
    const length = Math.min(this.#carryLength, 5);
    if (this.#carry.toString('latin1', 0, length) !== 'REDIS'.slice(0, length)) {
      throw new RdbFormatError('not an RDB file: no REDIS signature', 0);
    }
  }

  #readChecksum(): ScanEvent {
    this.#collect(CHECKSUM_BYTES);
    if (this.#carryLength < CHECKSUM_BYTES) return this.#needMore();
    const found = this.#carry.readBigUInt64LE(0);
    // Zero: written with checksums turned off.
    if (this.#verifyChecksum && found !== 0n && !this.#crc.matches(this.#carry, 0)) {
      const expected = hex(this.#crc.digest());
      const detail = `expected ${expected}, found ${hex(found)}`;
      throw new RdbFormatError('checksum mismatch', this.#itemOffset, detail);
    }
    this.#end();
    return ScanEvent.end;
  }

  /** Moves bytes from the chunk to the carry until it holds `byteCount`, or the chunk is empty. */
  #collect(byteCount: number): void {
    if (this.#carryLength === 0) this.#startCarry(byteCount);
    this.#appendToCarry(byteCount - this.#carryLength);
  }

  #beginItem(): ScanEvent | undefined {
    if (this.#at === this.#chunk.length) return this.#needMore();
    const type = this.#chunk[this.#at];
    const program = itemPrograms[type];
    this.#itemOffset = this.#chunkBase + this.#at;
    if (program === undefined) throw this.#unknownType(type);
    this.#type = type;
    this.#walker.begin(program, this.#at + 1);
    this.#state = 'walking';
    return undefined;
  }

  #unknownType(type: number): RdbFormatError {
    const offset = this.#itemOffset;
    if (type === Opcode.functionPreGa) {
      return new RdbFormatError('functions in the format of a Redis 7.0 pre-release', offset);
    }
    if (type === ValueType.modulePreGa) {
      return new RdbFormatError('a module value in the format of a Redis 4.0 pre-release', offset);
    }
    return new RdbFormatError(`unknown value type ${type}`, offset);
  }

  #walk(): ScanEvent | undefined {
    if (this.#carryLength > 0) return this.#walkCarry();
    const itemStart = this.#itemOffset - this.#chunkBase;
    if (this.#walker.walk(this.#chunk, this.#chunk.length, this.#chunkBase)) {
      this.#at = this.#walker.position;
      return this.#complete(this.#chunk, itemStart, false);
    }
    this.#at = itemStart;
    this.#checkNeeded(this.#chunkBase);
    this.#walker.position -= itemStart;
    this.#walker.needed -= itemStart;
    this.#startCarry(this.#walker.needed);
    this.#appendToCarry(this.#chunk.length - this.#at);
    return this.#needMore();
  }

  #walkCarry(): ScanEvent | undefined {
    const walker = this.#walker;
    while (!walker.walk(this.#carry, this.#carryLength, this.#itemOffset)) {
      this.#checkNeeded(this.#itemOffset);
      if (this.#at === this.#chunk.length) return this.#needMore();
      const missing = walker.needed - this.#carryLength;
      this.#appendToCarry(walker.neededIsFinal ? missing : Math.max(missing, CARRY_STEP_BYTES));
    }
    // What the carry took beyond the item all came from this chunk: go on there without a copy.
    this.#at -= this.#carryLength - walker.position;
    this.#carryLength = 0;
    const carry = this.#carry;
    this.#carry = EMPTY;
    return this.#complete(carry, 0, true);
  }

  /** A length that leads out of the file shows now, not after the rest has been collected. */
  #checkNeeded(base: number): void {
    const needed = base + this.#walker.needed;
    if (needed <= this.#totalBytes) return;
    const where = base + this.#walker.position;
    const detail = `what begins at byte ${where} needs ${needed - this.#totalBytes} bytes more`;
    throw new RdbFormatError('truncated', this.#totalBytes, detail);
  }

  #startCarry(expected: number): void {
    this.#itemOffset = this.#chunkBase + this.#at;
    this.#carryLength = 0;
    this.#carry = Buffer.allocUnsafeSlow(this.#believable(expected));
  }

  #appendToCarry(wanted: number): void {
    const byteCount = Math.min(wanted, this.#chunk.length - this.#at);
    const length = this.#carryLength + byteCount;
    if (length > this.#carry.length) this.#growCarry(length);
    this.#chunk.copy(this.#carry, this.#carryLength, this.#at, this.#at + byteCount);
    this.#carryLength = length;
    this.#at += byteCount;
  }

  #growCarry(least: number): void {
    const { needed, neededIsFinal } = this.#walker;
    const doubled = neededIsFinal ? 0 : this.#carry.length * 2;
    const capacity = Math.max(least, this.#believable(Math.max(needed, doubled)));
    const grown = Buffer.allocUnsafeSlow(capacity);
    this.#carry.copy(grown, 0, 0, this.#carryLength);
    this.#carry = grown;
  }

  /** How much to allocate for an item that is said to need `byteCount` bytes. */
  #believable(byteCount: number): number {
    const left = this.#totalBytes - this.#itemOffset;
    if (left !== Number.POSITIVE_INFINITY) return Math.min(byteCount, Math.max(left, 16));
    return Math.min(byteCount, Math.max(UNTRUSTED_GROWTH_BYTES, this.#carryLength * 2));
  }

  /** The item whose type byte is bytes[start] is whole and ends at the walker's position. */
  #complete(bytes: Buffer, start: number, owned: boolean): ScanEvent | undefined {
    this.#state = 'item';
    const end = this.#walker.position;
    if (this.#type <= ValueType.hashListpackEx) {
      return this.#completeRecord(bytes, start, end, owned);
    }
    const operands = new RdbCursor(bytes, start + 1, end);
    try {
      return this.#completeOpcode(operands);
    } catch (error) {
      // The cursor counts from bytes[0].
      if (error instanceof RdbFormatError) throw error.shifted(this.#itemOffset - start);
      throw error;
    }
  }

  #completeOpcode(operands: RdbCursor): ScanEvent | undefined {
    switch (this.#type) {
      case Opcode.expireTimeMs:
        this.#expireAtMs = operands.i64le();
        return undefined;
      case Opcode.expireTime:
        this.#expireAtMs = (operands.u32le() | 0) * 1000;
        return undefined;
      case Opcode.idle:
        this.#idleSeconds = operands.length();
        return undefined;
      case Opcode.freq:
        this.#frequency = operands.u8();
        return undefined;
      case Opcode.selectDb:
        this.#db = operands.length();
        return undefined;
      case Opcode.resizeDb:
        this.resize.db = this.#db;
        this.resize.keys = operands.length();
        this.resize.expires = operands.length();
        return ScanEvent.resize;
      case Opcode.aux:
        this.auxName = operands.stringBuffer();
        this.auxValue = operands.stringBuffer();
        return ScanEvent.aux;
      case Opcode.function2:
        this.library = operands.stringBuffer();
        return ScanEvent.library;
      case Opcode.moduleAux:
        this.moduleName = moduleName(operands.bigLength());
        return ScanEvent.moduleAux;
      case Opcode.eof:
        return this.#completeFile();
      default:
        // slotInfo: a hint about a cluster's slots that nobody here needs.
        return undefined;
    }
  }

  /** The end marker is one byte and so never in a carry: `#at` is right behind it. */
  #completeFile(): ScanEvent | undefined {
    this.#sum(this.#at);
    if (this.version >= RDB_VERSION_CHECKSUM) this.#state = 'checksum';
    else this.#end();
    return undefined;
  }

  #end(): void {
    this.#carryLength = 0;
    this.#itemOffset = this.#chunkBase + this.#at;
    this.#state = 'ended';
  }

  #completeRecord(bytes: Buffer, start: number, end: number, owned: boolean): ScanEvent {
    const { record } = this;
    record.valueStart = this.#readKey(bytes, start, end);
    if (this.#type === ValueType.module2) throw this.#moduleValue(bytes, end);
    record.db = this.#db;
    record.expireAtMs = this.#expireAtMs;
    record.idleSeconds = this.#idleSeconds;
    record.frequency = this.#frequency;
    record.type = this.#type as ValueType;
    record.valueBytes = bytes;
    record.valueEnd = end;
    record.offset = this.#itemOffset;
    record.owned = owned;
    this.#expireAtMs = -1;
    this.#idleSeconds = -1;
    this.#frequency = -1;
    return ScanEvent.record;
  }

  /** Fills the record's key; returns where the value begins. */
  #readKey(bytes: Buffer, start: number, end: number): number {
    const { record } = this;
    const first = bytes[start + 1];
    if (first < 0x40) {
      // The short plain key, by far the most frequent, without a cursor.
      record.keyBytes = bytes;
      record.keyStart = start + 2;
      record.keyEnd = start + 2 + first;
      return record.keyEnd;
    }
    const cursor = new RdbCursor(bytes, start + 1, end);
    try {
      cursor.string();
    } catch (error) {
      if (error instanceof RdbFormatError) throw error.shifted(this.#itemOffset - start);
      throw error;
    }
    record.keyBytes = cursor.spanBytes;
    record.keyStart = cursor.spanStart;
    record.keyEnd = cursor.spanEnd;
    return cursor.position;
  }

  #moduleValue(bytes: Buffer, end: number): RdbFormatError {
    const { record } = this;
    const name = moduleName(new RdbCursor(bytes, record.valueStart, end).bigLength());
    const keyEnd = Math.min(record.keyEnd, record.keyStart + KEY_SHOWN_MAX);
    const key = record.keyBytes.toString('latin1', record.keyStart, keyEnd);
    return new RdbFormatError(
      `a value of module type '${name}' cannot be loaded`,
      this.#itemOffset,
      `key ${JSON.stringify(key)}`,
    );
  }
}

function emptyRecord(): RawRecord {
  return {
    db: 0,
    expireAtMs: -1,
    idleSeconds: -1,
    frequency: -1,
    type: ValueType.string,
    keyBytes: EMPTY,
    keyStart: 0,
    keyEnd: 0,
    valueBytes: EMPTY,
    valueStart: 0,
    valueEnd: 0,
    offset: 0,
    owned: false,
  };
}

function hex(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}

const MODULE_NAME_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** A module ID is nine characters of six bits, then ten bits of encoding version. */
function moduleName(id: bigint): string {
  let name = '';
  for (let shift = 58n; shift >= 10n; shift -= 6n) {
    name += MODULE_NAME_ALPHABET[Number((id >> shift) & 63n)];
  }
  return name;
}

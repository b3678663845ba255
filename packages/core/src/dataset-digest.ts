/**
 * The signature of DEBUG DIGEST: forty hex digits that are equal for equal contents, whatever the
 * order in which keys are stored, and equal to what redis-server answers for the same data.
 *
 * Redis's construction: a value's digest is a chain of SHA-1 over its type and elements, begun with
 * its key; key digests are hashed and XORed together; databases are chained in ascending order. The
 * XOR makes it possible to take the parts of several shards and join them (`joinDigests`).
 *
 * Not for the hot path: it reads every value.
 */
import { createHash } from 'node:crypto';
import { ReplyWriter } from '@hashlane/resp';
import type { Engine } from './engine.ts';
import { HASH, LIST, SET, STREAM, STRING, ZSET } from './entry.ts';
import { type HashSpan, HashValue } from './hash-value.ts';
import type { Keyspace } from './keyspace.ts';
import { ListValue } from './list-value.ts';
import { formatDouble17 } from './number-text.ts';
import { Member } from './set-member.ts';
import { SetValue } from './set-value.ts';
import { StreamId } from './stream-id.ts';
import { replyPairs, StreamIterator } from './stream-iterator.ts';
import { StreamValue } from './stream-value.ts';
import { stringBytes } from './value-encoding.ts';
import { ZsetValue } from './zset-value.ts';

const DIGEST_BYTES = 20;
/** Redis's object types, by ours. */
const REDIS_TYPES = [0, 1, 2, 3, 4, 6] as const;
/** List elements that are read at a time. */
const ELEMENTS_PER_READ = 100;

const hash = new HashValue();
const list = new ListValue();
const zset = new ZsetValue();
const set = new SetValue();
const member = new Member();

/** XOR of the key digests of one database of one shard. */
export interface DatabaseDigest {
  readonly database: number;
  readonly digest: Buffer;
}

function xor(digest: Buffer, bytes: Uint8Array): void {
  const hash = createHash('sha1').update(bytes).digest();
  for (let i = 0; i < DIGEST_BYTES; i++) digest[i] ^= hash[i];
}

/** Chains bytes into a digest: the order matters. */
function mix(digest: Buffer, bytes: Uint8Array): void {
  xor(digest, bytes);
  createHash('sha1').update(digest).digest().copy(digest);
}

function bigEndian(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

/** Chains type, value and the fact of a deadline into a digest. */
export function mixValue(
  engine: Engine,
  keyspace: Keyspace,
  reference: number,
  digest: Buffer,
): void {
  const type = keyspace.typeOf(reference);
  mix(digest, bigEndian(REDIS_TYPES[type]));
  if (type === STRING) mix(digest, stringBytes(keyspace, reference));
  else if (type === LIST) mixList(engine, keyspace, reference, digest);
  else if (type === SET) mixSet(engine, keyspace, reference, digest);
  else if (type === HASH) mixHash(keyspace, reference, digest);
  else if (type === ZSET) mixZset(engine, keyspace, reference, digest);
  else if (type === STREAM) mixStream(keyspace, reference, digest);
  else xor(digest, engine.codec.encodeValue(keyspace, reference));
  if (keyspace.deadlineOf(reference) !== Infinity) xor(digest, Buffer.from('!!expire!!'));
}

function mixList(engine: Engine, keyspace: Keyspace, reference: number, digest: Buffer): void {
  list.open(keyspace.arena, reference, engine.settings.listMaxListpackSize);
  const elements = new ReplyWriter(4096);
  for (let from = 0; from < list.length; from += ELEMENTS_PER_READ) {
    elements.reset();
    list.range(elements, from, Math.min(ELEMENTS_PER_READ, list.length - from));
    mixBulks(digest, elements.block.bytes, elements.position);
  }
}

/** Entries have an order: each ID, its fields and its values. Groups do not count. */
function mixStream(keyspace: Keyspace, reference: number, digest: Buffer): void {
  const pairs = new ReplyWriter(4096);
  const iterator = new StreamIterator();
  const stream = StreamValue.of(keyspace.arena, reference);
  iterator.start(stream, new StreamId(), new StreamId().setGreatest());
  while (iterator.next()) {
    const { milliseconds, sequence } = iterator.id;
    mix(digest, Buffer.from(`${milliseconds}.${sequence}`));
    pairs.reset();
    replyPairs(pairs, iterator.entry);
    mixBulks(digest, pairs.block.bytes, pairs.position);
  }
}

/** Members have no order, so they are joined by XOR. */
function mixSet(engine: Engine, keyspace: Keyspace, reference: number, digest: Buffer): void {
  set.open(keyspace.arena, reference, engine.settings);
  for (set.restart(); set.next(member); ) {
    const { block, length, offset } = member.needText();
    xor(digest, block.bytes.subarray(offset, offset + length));
  }
}

/** Fields have no order: each is chained with its value, and these are joined by XOR. */
function mixHash(keyspace: Keyspace, reference: number, digest: Buffer): void {
  const bytesOf = ({ block, offset, length }: HashSpan): Buffer =>
    block.bytes.subarray(offset, offset + length);
  for (hash.open(keyspace.arena, reference).rewind(); hash.advance(); ) {
    const pair = Buffer.alloc(DIGEST_BYTES);
    mix(pair, bytesOf(hash.fieldSpan()));
    mix(pair, bytesOf(hash.valueSpan()));
    if (hash.deadline() !== Infinity) xor(pair, Buffer.from('!!hexpire!!'));
    xor(digest, pair);
  }
}

/** Pairs as if they had no order: each is chained by itself, and these are joined by XOR. */
function mixZset(engine: Engine, keyspace: Keyspace, reference: number, digest: Buffer): void {
  zset.open(keyspace.arena, reference, engine.settings);
  for (let isHere = zset.seek(0); isHere; isHere = zset.stepForward()) {
    zset.locateMember();
    const { memberBlock, memberLength, memberOffset } = zset;
    const pair = Buffer.alloc(DIGEST_BYTES);
    mix(pair, memberBlock.bytes.subarray(memberOffset, memberOffset + memberLength));
    mix(pair, Buffer.from(formatDouble17(zset.score)));
    xor(digest, pair);
  }
}

/** Chains each of the bulk strings in `bytes`. */
function mixBulks(digest: Buffer, bytes: Buffer, end: number): void {
  for (let at = 0; at < end; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const length = Number(bytes.latin1Slice(at + 1, lineEnd));
    mix(digest, bytes.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + length + 4;
  }
}

/** The part of this shard's databases that hold keys. */
export function databaseDigests(engine: Engine): DatabaseDigest[] {
  const digests: DatabaseDigest[] = [];
  for (const keyspace of engine.keyspaces()) {
    if (keyspace.size === 0) continue;
    const all = Buffer.alloc(DIGEST_BYTES);
    for (let cursor = 0; cursor >= 0; ) {
      cursor = keyspace.map.scan(cursor, Infinity, (reference) => {
        const digest = Buffer.alloc(DIGEST_BYTES);
        mix(digest, keyspace.keyOf(reference));
        mixValue(engine, keyspace, reference, digest);
        xor(all, digest);
      });
    }
    digests.push({ database: keyspace.index, digest: all });
  }
  return digests;
}

/** The signature of a dataset from the parts of its shards, in forty hex digits. */
export function joinDigests(parts: readonly DatabaseDigest[]): string {
  const byDatabase = new Map<number, Buffer>();
  for (const { database, digest } of parts) {
    const sum = byDatabase.get(database) ?? Buffer.alloc(DIGEST_BYTES);
    for (let i = 0; i < DIGEST_BYTES; i++) sum[i] ^= digest[i];
    byDatabase.set(database, sum);
  }
  const final = Buffer.alloc(DIGEST_BYTES);
  for (const [database, sum] of [...byDatabase].sort(([a], [b]) => a - b)) {
    mix(final, bigEndian(database));
    for (let i = 0; i < DIGEST_BYTES; i++) final[i] ^= sum[i];
  }
  return final.toString('hex');
}

/** The signature of one value alone (DEBUG DIGEST-VALUE), zeros for a missing key. */
export function valueDigest(engine: Engine, keyspace: Keyspace, reference: number): string {
  const digest = Buffer.alloc(DIGEST_BYTES);
  if (reference !== 0) mixValue(engine, keyspace, reference, digest);
  return digest.toString('hex');
}

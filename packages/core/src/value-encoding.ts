/**
 * The encoding names that OBJECT ENCODING and DEBUG OBJECT answer, as redis 7.2 has them for the
 * same value. They describe what a client may conclude about size, not how hashlane stores it.
 */
import type { Engine } from './engine.ts';
import { HASH, LIST, SET, STREAM, STRING, ZSET } from './entry.ts';
import { HASH_ENCODINGS, HashValue } from './hash-value.ts';
import type { Keyspace } from './keyspace.ts';
import { ListValue } from './list-value.ts';
import { SetValue } from './set-value.ts';
import { StringSpan, stringEncoding } from './string-value.ts';
import { ZsetValue } from './zset-value.ts';

const hash = new HashValue();
const list = new ListValue();
const set = new SetValue();
const span = new StringSpan();
const zset = new ZsetValue();

/** Encoding name of an entry's value. */
export function encodingOf(engine: Engine, keyspace: Keyspace, reference: number): string {
  const { arena } = keyspace;
  const type = keyspace.typeOf(reference);
  if (type === STRING) return stringEncoding(arena, reference);
  if (type === SET) return set.open(arena, reference, engine.settings).encoding;
  if (type === HASH) return HASH_ENCODINGS[hash.open(arena, reference).form];
  if (type === ZSET) return zset.open(arena, reference, engine.settings).encoding;
  if (type === STREAM) return 'stream';
  if (type !== LIST) return 'unknown';
  return list.open(arena, reference, engine.settings.listMaxListpackSize).encoding;
}

/** The bytes of a string entry, in place: good until the next change of any key. */
export function stringBytes(keyspace: Keyspace, reference: number): Buffer {
  span.locate(keyspace.arena, reference);
  return span.block.bytes.subarray(span.offset, span.offset + span.length);
}

/**
 * A second value like a first one, under another key of the same shard: what COPY needs.
 *
 * Strings are copied as bytes, lists and streams node by node and sets member by member in the form
 * that they have; other types go through the value codec.
 * Moving a value (RENAME, MOVE) copies nothing, see `Keyspace.insertDetached`.
 */
import type { Block } from '@hashlane/resp';
import type { Engine } from './engine.ts';
import { ENCODING_MASK, LIST, RAW_FORCED, SET, STREAM, STRING } from './entry.ts';
import type { Keyspace } from './keyspace.ts';
import { LIST_BYTES, ListValue } from './list-value.ts';
import { Member } from './set-member.ts';
import { SET_BYTES, SetValue } from './set-value.ts';
import { copyStream } from './stream-copy.ts';
import { STREAM_BYTES, StreamValue } from './stream-value.ts';
import { insertString, NO_DEADLINE, StringSpan } from './string-value.ts';

/** The key of a copy, which must be absent in the target keyspace. */
export interface CopyTarget {
  readonly keyspace: Keyspace;
  readonly key: Block;
  readonly offset: number;
  readonly length: number;
  readonly hash: number;
}

const sourceList = new ListValue();
const targetList = new ListValue();
const sourceSet = new SetValue();
const targetSet = new SetValue();
const member = new Member();
const span = new StringSpan();

/**
 * Adds the target key with a copy of the value of `reference`, an entry of `source`, without its
 * deadline. Returns the new reference, or 0 when the codec does not know the type.
 */
export function copyValue(
  engine: Engine,
  source: Keyspace,
  reference: number,
  target: CopyTarget,
): number {
  switch (source.typeOf(reference)) {
    case STRING:
      return copyString(source, reference, target);
    case LIST:
      return copyList(engine, source, reference, target);
    case SET:
      return copySet(engine, source, reference, target);
    case STREAM:
      return insertCopy(source, reference, target);
    default: {
      const value = engine.codec.encodeValue(source, reference);
      const { keyspace, key, offset, length, hash } = target;
      return engine.codec.decodeValue(keyspace, key, offset, length, hash, value);
    }
  }
}

function insertCopy(source: Keyspace, reference: number, target: CopyTarget): number {
  const { keyspace, key, offset, length, hash } = target;
  const copy = copyStream(StreamValue.of(source.arena, reference), keyspace.arena);
  const added = keyspace.insert(key, offset, length, hash, STREAM, STREAM_BYTES, false);
  StreamValue.attach(keyspace.arena, added, copy);
  return added;
}

function copyString(source: Keyspace, reference: number, target: CopyTarget): number {
  const { keyspace, key, offset, length, hash } = target;
  span.locate(source.arena, reference);
  const copy = insertString(
    keyspace,
    key,
    offset,
    length,
    hash,
    span.block,
    span.offset,
    span.length,
    NO_DEADLINE,
  );
  // What OBJECT ENCODING depends on comes along.
  const form = source.metaOf(reference) & (RAW_FORCED | ENCODING_MASK);
  keyspace.setMeta(copy, keyspace.metaOf(copy) | form);
  return copy;
}

function copyList(engine: Engine, source: Keyspace, reference: number, target: CopyTarget): number {
  const fill = engine.settings.listMaxListpackSize;
  const { keyspace, key, offset, length, hash } = target;
  const copy = keyspace.insert(key, offset, length, hash, LIST, LIST_BYTES, false);
  const from = sourceList.open(source.arena, reference, fill);
  const to = targetList.open(keyspace.arena, copy, fill);
  to.initialize();
  for (let node = from.firstNode(); node !== 0; node = from.nextNode(node)) {
    const block = from.nodeBlock(node);
    const start = from.nodeStart(node);
    const bytes = from.nodeEnd(node) - start;
    if (from.nodeIsPlain(node)) to.pushTail(block, start, bytes);
    else to.appendPacked(block, start, bytes, from.nodeCount(node));
  }
  return copy;
}

function copySet(engine: Engine, source: Keyspace, reference: number, target: CopyTarget): number {
  const { keyspace, key, offset, length, hash } = target;
  const copy = keyspace.insert(key, offset, length, hash, SET, SET_BYTES, false);
  const from = sourceSet.open(source.arena, reference, engine.settings);
  targetSet.initialize(keyspace.arena, copy, engine.settings, from.encoding);
  for (from.restart(); from.next(member); ) targetSet.addAbsent(member);
  return copy;
}

/** A value codec for tests of core, which cannot import packages/rdb. */
import { Block, ReplyWriter } from '@hashlane/resp';
import { LIST, STRING } from '../entry.ts';
import type { Keyspace } from '../keyspace.ts';
import { LIST_BYTES, ListValue } from '../list-value.ts';
import { insertString, NO_DEADLINE } from '../string-value.ts';
import type { ValueCodec } from '../value-codec.ts';
import { stringBytes } from '../value-encoding.ts';

/** Strings and lists as a type byte and wire form; stands in for packages/rdb. */
export const wireCodec: ValueCodec = {
  appendRecord: () => 0,
  takeRecords: () => new Uint8Array(0),
  encodeValue(keyspace: Keyspace, reference: number): Buffer {
    if (keyspace.typeOf(reference) === STRING) {
      return Buffer.concat([Buffer.from([STRING]), stringBytes(keyspace, reference)]);
    }
    const elements = new ReplyWriter(1000);
    const list = new ListValue().open(keyspace.arena, reference, -2);
    list.range(elements, 0, list.length);
    return Buffer.concat([
      Buffer.from([LIST]),
      elements.block.bytes.subarray(0, elements.position),
    ]);
  },
  dumpValue: (keyspace, reference) => wireCodec.encodeValue(keyspace, reference),
  valueOfDump: (payload) => (payload.length > 0 ? payload : undefined),
  decodeValue(
    keyspace: Keyspace,
    key: Block,
    at: number,
    length: number,
    hash: number,
    value: Buffer,
  ): number {
    const block = new Block(value);
    if (value[0] === STRING) {
      return insertString(keyspace, key, at, length, hash, block, 1, value.length - 1, NO_DEADLINE);
    }
    if (value[0] !== LIST) return 0;
    const reference = keyspace.insert(key, at, length, hash, LIST, LIST_BYTES, false);
    const list = new ListValue().open(keyspace.arena, reference, -2);
    list.initialize();
    for (let from = 1; from < value.length; ) {
      const end = value.indexOf('\r\n', from);
      const bytes = Number(value.latin1Slice(from + 1, end));
      list.pushTail(block, end + 2, bytes);
      from = end + bytes + 4;
    }
    return reference;
  },
};

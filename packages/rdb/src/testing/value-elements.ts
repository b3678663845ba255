/**
 * For tests: the elements of a raw value of any type but streams, as latin1 strings in file order
 * (fields and values, members and scores alternating), by way of this package's own readers.
 */

import { readIntset } from '../intset.ts';
import { RdbCursor } from '../length-encoding.ts';
import { readListpack } from '../listpack.ts';
import { ValueType } from '../opcodes.ts';
import { asBytes, type ElementVisitor } from '../packed-element.ts';
import type { RawRecord } from '../record-scanner.ts';
import { readZiplist } from '../ziplist.ts';
import { readZipmap } from '../zipmap.ts';

type PackedReader = (buffer: Buffer, start: number, end: number, visitor: ElementVisitor) => number;

const packedReaders = new Map<ValueType, PackedReader>([
  [ValueType.hashZipmap, readZipmap],
  [ValueType.listZiplist, readZiplist],
  [ValueType.setIntset, readIntset],
  [ValueType.zsetZiplist, readZiplist],
  [ValueType.hashZiplist, readZiplist],
  [ValueType.hashListpack, readListpack],
  [ValueType.zsetListpack, readListpack],
  [ValueType.setListpack, readListpack],
]);

type Value = Pick<RawRecord, 'type' | 'valueBytes' | 'valueStart' | 'valueEnd'>;

/** Throws RdbFormatError for a corrupt value. */
export function valueElements(value: Value): string[] {
  const elements: string[] = [];
  const cursor = new RdbCursor(value.valueBytes, value.valueStart, value.valueEnd);
  const text = (): string => cursor.stringBuffer().toString('latin1');
  const visitor = asBytes((bytes, start, end) => {
    elements.push(bytes.toString('latin1', start, end));
  });
  const packed = (read: PackedReader): void => {
    cursor.string();
    read(cursor.spanBytes, cursor.spanStart, cursor.spanEnd, visitor);
  };
  const reader = packedReaders.get(value.type);
  if (reader !== undefined) packed(reader);
  else if (value.type === ValueType.string) elements.push(text());
  else if (value.type < ValueType.module2) {
    const pairs = value.type >= ValueType.zset;
    for (let left = cursor.length(); left > 0; left--) {
      elements.push(text());
      if (value.type === ValueType.zset) elements.push(String(cursor.asciiDouble()));
      else if (value.type === ValueType.zset2) elements.push(String(cursor.binaryDouble()));
      else if (pairs) elements.push(text());
    }
  } else if (value.type === ValueType.listQuicklist) {
    for (let left = cursor.length(); left > 0; left--) packed(readZiplist);
  } else if (value.type === ValueType.listQuicklist2) {
    for (let left = cursor.length(); left > 0; left--) {
      if (cursor.length() === 1) elements.push(text());
      else packed(readListpack);
    }
  }
  return elements;
}

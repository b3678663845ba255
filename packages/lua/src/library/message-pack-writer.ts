/**
 * Lua values to MessagePack. Whole numbers are integers of the shortest form, others floats where
 * that loses nothing, else doubles. A table with the keys 1…n and no other is an array, also the
 * empty one. What nests deeper than 16 tables, functions and userdata are nil.
 *
 * Cost: linear in the bytes; elements and bytes are charged to the meter.
 */
import { meter } from '../meter.ts';
import { LuaTable } from '../table.ts';
import type { LuaValue } from '../values.ts';
import { byteWriter as out } from './byte-writer.ts';

const NESTING_MAX = 16;
const WORD = 2 ** 32;
const INTEGER_RANGE = 2 ** 63;
const INDEX_MAX = 2 ** 31 - 1;
const HEAD_BYTES_MAX = 9;

/** The values one after the other. */
export function packValues(values: readonly LuaValue[]): string {
  return out.collect(() => {
    for (const value of values) write(value, 0);
  });
}

function write(value: LuaValue, level: number): void {
  out.reserve(HEAD_BYTES_MAX);
  if (typeof value === 'string') writeString(value);
  else if (typeof value === 'number') writeNumber(value);
  else if (typeof value === 'boolean') out.buffer[out.size++] = value ? 0xc3 : 0xc2;
  else if (value instanceof LuaTable && level < NESTING_MAX) writeTable(value, level + 1);
  else out.buffer[out.size++] = 0xc0;
}

function writeString(text: string): void {
  const { length } = text;
  if (length < 32) out.buffer[out.size++] = 0xa0 | length;
  else if (length <= 0xff) head(0xd9, length, 1);
  else if (length <= 0xffff) head(0xda, length, 2);
  else head(0xdb, length, 4);
  out.text(text);
}

/** A type and a number of so many bytes, the high ones first. */
function head(type: number, value: number, bytes: number): void {
  out.buffer[out.size++] = type;
  for (let shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.buffer[out.size++] = value >>> shift;
}

function writeNumber(value: number): void {
  if (Number.isInteger(value) && value >= -INTEGER_RANGE && value < INTEGER_RANGE) {
    if (value >= 0) writePositive(value);
    else writeNegative(value);
  } else if (Math.fround(value) === value) {
    out.buffer[out.size++] = 0xca;
    out.size = out.buffer.writeFloatBE(value, out.size);
  } else {
    out.buffer[out.size++] = 0xcb;
    out.size = out.buffer.writeDoubleBE(value, out.size);
    // As 0/0 is on x86.
    if (Number.isNaN(value)) out.buffer[out.size - 8] = 0xff;
  }
}

function writePositive(value: number): void {
  if (value <= 0x7f) out.buffer[out.size++] = value;
  else if (value <= 0xff) head(0xcc, value, 1);
  else if (value <= 0xffff) head(0xcd, value, 2);
  else if (value < WORD) head(0xce, value, 4);
  else writeLong(0xcf, value);
}

function writeNegative(value: number): void {
  if (value >= -32) out.buffer[out.size++] = value;
  else if (value >= -0x80) head(0xd0, value, 1);
  else if (value >= -0x8000) head(0xd1, value, 2);
  else if (value >= -(2 ** 31)) head(0xd2, value, 4);
  else writeLong(0xd3, value);
}

function writeLong(type: number, value: number): void {
  const high = Math.floor(value / WORD);
  head(type, high, 4);
  out.size = out.buffer.writeUInt32BE(value - high * WORD, out.size);
}

function writeTable(table: LuaTable, level: number): void {
  const length = arrayLength(table);
  if (length < 0) {
    writeMap(table, level);
    return;
  }
  if (length <= 15) out.buffer[out.size++] = 0x90 | length;
  else if (length <= 0xffff) head(0xdc, length, 2);
  else head(0xdd, length, 4);
  for (let at = 1; at <= length; at++) {
    meter.charge(1);
    write(table.get(at), level);
  }
}

/** −1 for a table that has other keys than 1…n. */
function arrayLength(table: LuaTable): number {
  const { array, hash } = table;
  let count = 0;
  let largest = 0;
  for (let at = 0; at < array.length; at++) {
    if (array[at] === undefined) continue;
    count++;
    largest = at + 1;
  }
  meter.charge(count);
  for (const key of hash?.keys() ?? []) {
    if (typeof key !== 'number' || key <= 0 || key > INDEX_MAX || !Number.isInteger(key)) return -1;
    count++;
    if (key > largest) largest = key;
  }
  return largest === count ? count : -1;
}

function writeMap(table: LuaTable, level: number): void {
  const { array, hash } = table;
  let length = hash?.size ?? 0;
  for (const value of array) if (value !== undefined) length++;
  if (length <= 15) out.buffer[out.size++] = 0x80 | length;
  else if (length <= 0xffff) head(0xde, length, 2);
  else head(0xdf, length, 4);
  for (let at = 0; at < array.length; at++) {
    if (array[at] === undefined) continue;
    write(at + 1, level);
    write(array[at], level);
  }
  for (const [key, value] of hash ?? []) {
    meter.charge(1);
    write(key, level);
    write(value, level);
  }
}

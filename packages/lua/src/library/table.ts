/**
 * Lua 5.1's `table`. Elements are read and written raw, without metamethods; comparing in `sort`
 * looks at `__lt`.
 *
 * `sort` is Lua's quicksort (median of three, the larger part in the loop) step by step, so that
 * equal elements end up in the order they have in Redis.
 *
 * Cost: insert and remove move what is behind the position; sort n·log n comparisons.
 */
import { LuaError, luaError } from '../errors.ts';
import { meter } from '../meter.ts';
import { numberToText } from '../number-text.ts';
import { lessInLibrary } from '../operators.ts';
import { LuaTable } from '../table.ts';
import { first, isTruthy, type LuaResult, type LuaValue, NO_VALUES, typeName } from '../values.ts';
import {
  functionArgument,
  intArgument,
  optionalInt,
  stringArgument,
  tableArgument,
} from './arguments.ts';

type Less = (left: LuaValue, right: LuaValue) => boolean;

function put(table: LuaTable, key: number, value: LuaValue): void {
  if (table.readonly) throw new LuaError('Attempt to modify a readonly table');
  table.set(key, value);
}

function insert(...args: LuaValue[]): LuaResult {
  const table = tableArgument(args, 1, 'insert');
  const end = table.length() + 1;
  if (args.length === 2) {
    put(table, end, args[1]);
    return NO_VALUES;
  }
  if (args.length !== 3) throw luaError("wrong number of arguments to 'insert'");
  const position = intArgument(args, 2, 'insert');
  for (let at = Math.max(end, position); at > position; at--) {
    meter.charge(1);
    put(table, at, table.get(at - 1));
  }
  put(table, position, args[2]);
  return NO_VALUES;
}

function remove(...args: LuaValue[]): LuaResult {
  const table = tableArgument(args, 1, 'remove');
  const end = table.length();
  const position = optionalInt(args, 2, 'remove', end);
  if (position < 1 || position > end) return NO_VALUES;
  const removed = table.get(position);
  for (let at = position; at < end; at++) {
    meter.charge(1);
    put(table, at, table.get(at + 1));
  }
  put(table, end, undefined);
  return removed;
}

function concat(...args: LuaValue[]): LuaResult {
  const separator = args[1] === undefined ? '' : stringArgument(args, 2, 'concat');
  const table = tableArgument(args, 1, 'concat');
  const start = optionalInt(args, 3, 'concat', 1);
  const end = args[3] === undefined ? table.length() : intArgument(args, 4, 'concat');
  let text = '';
  for (let at = start; at <= end; at++) {
    const value = table.get(at);
    if (typeof value === 'string') text += value;
    else if (typeof value === 'number') text += numberToText(value);
    else throw notConcatenable(value, at);
    if (at < end) text += separator;
    meter.charge(1);
  }
  meter.chargeString(text.length);
  return text;
}

function notConcatenable(value: LuaValue, at: number): Error {
  return luaError(`invalid value (${typeName(value)}) at index ${at} in table for 'concat'`);
}

function sort(...args: LuaValue[]): LuaResult {
  const table = tableArgument(args, 1, 'sort');
  const end = table.length();
  let isLess: Less = lessInLibrary;
  if (args[1] !== undefined) {
    const compare = functionArgument(args, 2, 'sort');
    isLess = (left, right) => isTruthy(first(compare(left, right)));
  }
  sortPart(table, 1, end, (left, right) => {
    meter.charge(1);
    return isLess(left, right);
  });
  return NO_VALUES;
}

function swap(table: LuaTable, left: number, right: number): void {
  const value = table.get(left);
  put(table, left, table.get(right));
  put(table, right, value);
}

function swapIfLess(table: LuaTable, left: number, right: number, isLess: Less): boolean {
  const isOutOfOrder = isLess(table.get(right), table.get(left));
  if (isOutOfOrder) swap(table, left, right);
  return isOutOfOrder;
}

function sortPart(table: LuaTable, from: number, to: number, isLess: Less): void {
  let low = from;
  let high = to;
  while (low < high) {
    swapIfLess(table, low, high, isLess);
    if (high - low === 1) return;
    const middle = (low + high) >>> 1;
    if (!swapIfLess(table, low, middle, isLess)) swapIfLess(table, middle, high, isLess);
    if (high - low === 2) return;
    swap(table, middle, high - 1);
    const pivot = partition(table, low, high, isLess);
    if (pivot - low < high - pivot) {
      sortPart(table, low, pivot - 1, isLess);
      low = pivot + 1;
    } else {
      sortPart(table, pivot + 1, high, isLess);
      high = pivot - 1;
    }
  }
}

/** The pivot is at high − 1; gives its final place. */
function partition(table: LuaTable, low: number, high: number, isLess: Less): number {
  const pivot = table.get(high - 1);
  let left = low;
  let right = high - 1;
  for (;;) {
    while (isLess(table.get(++left), pivot)) {
      if (left > high) throw luaError('invalid order function for sorting');
    }
    while (isLess(pivot, table.get(--right))) {
      if (right < low) throw luaError('invalid order function for sorting');
    }
    if (right < left) break;
    swap(table, left, right);
  }
  swap(table, high - 1, left);
  return left;
}

function getn(...args: LuaValue[]): LuaResult {
  return tableArgument(args, 1, 'getn').length();
}

function setn(...args: LuaValue[]): LuaResult {
  tableArgument(args, 1, 'setn');
  throw luaError("'setn' is obsolete");
}

function maxn(...args: LuaValue[]): LuaResult {
  const table = tableArgument(args, 1, 'maxn');
  let largest = table.array.findLastIndex((value) => value !== undefined) + 1;
  for (const key of table.hash?.keys() ?? []) {
    if (typeof key === 'number' && key > largest) largest = key;
  }
  meter.charge(table.hash?.size ?? 0);
  return largest;
}

function foreach(...args: LuaValue[]): LuaResult {
  const table = tableArgument(args, 1, 'foreach');
  const visit = functionArgument(args, 2, 'foreach');
  for (let entry = table.next(undefined); entry !== undefined; entry = table.next(entry.key)) {
    meter.charge(1);
    const result = first(visit(entry.key, entry.value));
    if (result !== undefined) return result;
  }
  return NO_VALUES;
}

function foreachi(...args: LuaValue[]): LuaResult {
  const table = tableArgument(args, 1, 'foreachi');
  const end = table.length();
  const visit = functionArgument(args, 2, 'foreachi');
  for (let at = 1; at <= end; at++) {
    meter.charge(1);
    const result = first(visit(at, table.get(at)));
    if (result !== undefined) return result;
  }
  return NO_VALUES;
}

/** A new table `table`. */
export function tableLibrary(): LuaTable {
  return LuaTable.of(
    Object.entries({ concat, foreach, foreachi, getn, insert, maxn, remove, setn, sort }),
  );
}

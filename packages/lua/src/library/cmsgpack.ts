/**
 * `cmsgpack`, as lua-cmsgpack 0.4 in Redis: message-pack-writer.ts and message-pack-reader.ts.
 *
 * `unpack` gives all values of a string, one after the other; `unpack_one` and `unpack_limit` the
 * next ones from an offset, with the offset that follows (−1 at the end) in front.
 */
import { badArgument, luaError } from '../errors.ts';
import { UNPACKED_VALUES_MAX } from '../limits.ts';
import { meter } from '../meter.ts';
import { LuaTable } from '../table.ts';
import type { LuaResult, LuaValue } from '../values.ts';
import { integerArgument, optionalInteger, stringArgument } from './arguments.ts';
import { MessagePackReader } from './message-pack-reader.ts';
import { packValues } from './message-pack-writer.ts';
import { failingHere, NestedFailure } from './nested-failure.ts';

const VALUES_MAX = 2 ** 31 - 1;
const TOO_MANY_VALUES =
  'stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)';

function pack(...args: LuaValue[]): LuaResult {
  if (args.length === 0) throw badArgument(0, 'pack', 'MessagePack pack needs input.');
  return packValues(args);
}

function unpackFrom(text: string, limit: number, offset: number): LuaResult {
  if (offset < 0 || limit < 0) {
    const length = text.length;
    throw luaError(
      `Invalid request to unpack with offset of ${offset | 0} and limit of ${length}.`,
    );
  }
  if (offset > text.length) {
    throw luaError(`Start offset ${offset | 0} greater than input length ${text.length}.`);
  }
  const isWhole = limit === 0 && offset === 0;
  const reader = new MessagePackReader(text, offset);
  const values: LuaValue[] = isWhole ? [] : [-1];
  const countMax = isWhole ? VALUES_MAX : limit;
  failingHere(() => {
    for (let count = 0; count < countMax && !reader.isAtEnd; count++) {
      if (count >= UNPACKED_VALUES_MAX - 1) throw new NestedFailure(TOO_MANY_VALUES);
      meter.charge(1);
      values.push(reader.read());
    }
  });
  if (!isWhole && !reader.isAtEnd) values[0] = reader.offset;
  return values;
}

function unpack(...args: LuaValue[]): LuaResult {
  return unpackFrom(stringArgument(args, 1, 'unpack'), 0, 0);
}

function unpackOne(...args: LuaValue[]): LuaResult {
  const offset = optionalInteger(args, 2, 'unpack_one', 0);
  return unpackFrom(stringArgument(args, 1, 'unpack_one'), 1, offset);
}

function unpackLimit(...args: LuaValue[]): LuaResult {
  const limit = integerArgument(args, 2, 'unpack_limit');
  const offset = optionalInteger(args, 3, 'unpack_limit', 0);
  return unpackFrom(stringArgument(args, 1, 'unpack_limit'), limit, offset);
}

/** A new table `cmsgpack`. */
export function cmsgpackLibrary(): LuaTable {
  return LuaTable.of([
    ['_COPYRIGHT', 'Copyright (C) 2012, Salvatore Sanfilippo'],
    ['_DESCRIPTION', 'MessagePack C implementation for Lua'],
    ['_NAME', 'cmsgpack'],
    ['_VERSION', 'lua-cmsgpack 0.4.0'],
    ['pack', pack],
    ['unpack', unpack],
    ['unpack_limit', unpackLimit],
    ['unpack_one', unpackOne],
  ]);
}

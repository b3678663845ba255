/**
 * The functions that Lua 5.1 has as globals, as far as Redis leaves them to scripts: no files, no
 * environments, no `print`. Coroutines are not there: a compiled function cannot be suspended.
 */
import { createHash } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import {
  asLuaError,
  badArgument,
  LuaError,
  luaError,
  ScriptInterrupt,
  where,
  wrongType,
} from './errors.ts';
import { STEPS_PER_ERROR, UNPACKED_VALUES_MAX } from './limits.ts';
import { callable, metamethod, metatableOf } from './metatables.ts';
import { meter } from './meter.ts';
import { numberToText } from './number-text.ts';
import { field, spread, toNumber } from './operators.ts';
import { LuaTable } from './table.ts';
import { nextElement, next as nextOf } from './traversal.ts';
import {
  first,
  type LuaFunction,
  type LuaResult,
  LuaUserdata,
  type LuaValue,
  NO_VALUES,
  typeName,
} from './values.ts';

const RADIX_MAX = 36;

/** `tostring`, with __tostring. */
export function toText(value: LuaValue): LuaValue {
  const handler = metamethod(value, '__tostring');
  if (typeof handler === 'function') return first(handler(value));
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return numberToText(value);
    case 'object':
    case 'function':
      return `${typeName(value)}: ${addressOf(value)}`;
    default:
      return value === undefined ? 'nil' : String(value);
  }
}

const addresses = new WeakMap<object, string>();
let addressNumber = 0;

/** Something that looks like an address and is the object's own. */
function addressOf(value: object): string {
  if (value instanceof LuaUserdata) return value.address;
  let address = addresses.get(value);
  if (address === undefined) {
    addressNumber++;
    const digest = createHash('sha1').update(String(addressNumber)).digest('hex');
    address = `0x7f${digest.slice(0, 4)}${addressNumber.toString(16).padStart(6, '0')}`;
    addresses.set(value, address);
  }
  return address;
}

function assert(...args: LuaValue[]): LuaResult {
  if (args.length === 0) throw wrongType(1, 'assert', 'value', args);
  if (args[0] !== undefined && args[0] !== false) return args;
  const message = args[1];
  if (message === undefined) throw luaError('assertion failed!');
  if (typeof message !== 'string' && typeof message !== 'number') {
    throw wrongType(2, 'assert', 'string', args);
  }
  throw luaError(String(toText(message)));
}

function error(value?: LuaValue, level?: LuaValue): LuaResult {
  const depth = level === undefined ? 1 : (toNumber(level) ?? 1);
  const text = typeof value === 'number' ? numberToText(value) : value;
  throw new LuaError(typeof text === 'string' && depth > 0 ? where(depth) + text : value);
}

/** The name is a sign for errors.ts: what is called from here has no Lua caller. */
function luaProtectedCall(
  target: LuaFunction,
  args: readonly LuaValue[],
  failed: (value: LuaValue) => readonly LuaValue[],
): LuaResult {
  const { depth } = meter;
  // A level of its own: it may call itself, without a function of the script between.
  meter.depth++;
  try {
    return [true, ...spread(target(...args))];
  } catch (thrown) {
    if (thrown instanceof ScriptInterrupt) throw thrown;
    const caught = asLuaError(thrown);
    if (caught === undefined) throw thrown;
    meter.depth = depth;
    meter.charge(STEPS_PER_ERROR);
    return [false, ...failed(caught.value)];
  } finally {
    meter.depth = depth;
  }
}

/** Redis has a `pcall` of its own: a table with a text in `err` becomes that text. */
function caughtByRedis(value: LuaValue): readonly LuaValue[] {
  if (!(value instanceof LuaTable)) return [value];
  const text = field(value, 'err');
  return typeof text === 'string' || typeof text === 'number' ? [text] : [value, text];
}

function pcall(...args: LuaValue[]): LuaResult {
  if (args.length === 0) throw wrongType(1, 'pcall', 'value', args);
  const [target, ...rest] = args;
  return luaProtectedCall(callable(target), rest, caughtByRedis);
}

function xpcall(...args: LuaValue[]): LuaResult {
  if (args.length < 2) throw wrongType(2, 'xpcall', 'value', args);
  const handler = callable(args[1]);
  return luaProtectedCall(callable(args[0]), [], (value) => [first(handler(value))]);
}

function select(...args: LuaValue[]): LuaResult {
  const from = args[0];
  if (from === '#') return args.length - 1;
  const at = toNumber(from);
  if (at === undefined) throw wrongType(1, 'select', 'number', args);
  const index = Math.trunc(at);
  if (index < 0 && -index < args.length) return args.slice(args.length + index);
  if (index < 1) throw badArgument(1, 'select', 'index out of range');
  return args.slice(index);
}

function tonumber(...args: LuaValue[]): LuaResult {
  if (args.length === 0) throw wrongType(1, 'tonumber', 'value', args);
  const [value, base] = args;
  const radix = base === undefined ? 10 : toNumber(base);
  if (radix === undefined) throw wrongType(2, 'tonumber', 'number', args);
  if (radix === 10) return toNumber(value);
  if (radix < 2 || radix > RADIX_MAX) throw badArgument(2, 'tonumber', 'base out of range');
  const text = typeof value === 'number' ? numberToText(value) : value;
  if (typeof text !== 'string') throw wrongType(1, 'tonumber', 'string', args);
  return fromRadix(text.trim(), radix);
}

/** As C's strtoul: a sign, `0x` for 16, digits below the radix and nothing else. */
function fromRadix(text: string, radix: number): LuaValue {
  const match = /^([-+]?)(0x(?=[\da-f]))?([\da-z]+)$/i.exec(text);
  if (match === null || (match[2] !== undefined && radix !== 16)) return undefined;
  let value = 0;
  for (const digit of match[3]!) {
    const worth = Number.parseInt(digit, RADIX_MAX);
    if (worth >= radix) return undefined;
    value = value * radix + worth;
  }
  return match[1] === '-' ? 2 ** 64 - value : Math.min(value, 2 ** 64);
}

function tableArgument(args: readonly LuaValue[], name: string): LuaTable {
  const [table] = args;
  if (!(table instanceof LuaTable)) throw wrongType(1, name, 'table', args);
  return table;
}

function ipairs(...args: LuaValue[]): LuaResult {
  return [nextElement, tableArgument(args, 'ipairs'), 0];
}

function pairs(...args: LuaValue[]): LuaResult {
  return [nextOf, tableArgument(args, 'pairs'), undefined];
}

function rawget(...args: LuaValue[]): LuaResult {
  return tableArgument(args, 'rawget').get(args[1]);
}

function rawset(...args: LuaValue[]): LuaResult {
  const table = tableArgument(args, 'rawset');
  table.set(args[1], args[2]);
  return table;
}

function rawequal(left?: LuaValue, right?: LuaValue): LuaResult {
  return left === right;
}

function getmetatable(value?: LuaValue): LuaResult {
  const metatable = metatableOf(value);
  return metatable?.getField('__metatable') ?? metatable;
}

function setmetatable(...args: LuaValue[]): LuaResult {
  const table = tableArgument(args, 'setmetatable');
  const metatable = args[1];
  if (metatable !== undefined && !(metatable instanceof LuaTable)) {
    throw badArgument(2, 'setmetatable', 'nil or table expected');
  }
  if (table.metatable?.getField('__metatable') !== undefined) {
    throw luaError('cannot change a protected metatable');
  }
  table.checkWritable();
  table.metatable = metatable;
  return table;
}

/** The global `unpack`. */
export function unpack(...args: LuaValue[]): LuaResult {
  const table = tableArgument(args, 'unpack');
  const from = args[1] === undefined ? 1 : toNumber(args[1]);
  const to = args[2] === undefined ? table.length() : toNumber(args[2]);
  if (from === undefined) throw wrongType(2, 'unpack', 'number', args);
  if (to === undefined) throw wrongType(3, 'unpack', 'number', args);
  const start = Math.trunc(from);
  const count = Math.trunc(to) - start + 1;
  if (count <= 0) return NO_VALUES;
  if (count + args.length > UNPACKED_VALUES_MAX) throw luaError('too many results to unpack');
  if (start === 1 && count <= table.array.length) return table.array.slice(0, count);
  return Array.from({ length: count }, (_, at) => table.get(start + at));
}

function type(...args: LuaValue[]): LuaResult {
  if (args.length === 0) throw wrongType(1, 'type', 'value', args);
  return typeName(args[0]);
}

function tostring(...args: LuaValue[]): LuaResult {
  if (args.length === 0) throw wrongType(1, 'tostring', 'value', args);
  return toText(args[0]);
}

function collectgarbage(option?: LuaValue): LuaResult {
  return option === 'count' ? getHeapStatistics().used_heap_size / 1024 : 0;
}

/** Name and function of each global, but for `load` and `loadstring`, which need a runtime. */
export const BASE_LIBRARY: readonly (readonly [string, LuaFunction])[] = [
  ['assert', assert],
  ['collectgarbage', collectgarbage],
  ['error', error],
  ['gcinfo', () => Math.floor(getHeapStatistics().used_heap_size / 1024)],
  ['getmetatable', getmetatable],
  ['ipairs', ipairs],
  ['next', nextOf],
  ['pairs', pairs],
  ['pcall', pcall],
  ['rawequal', rawequal],
  ['rawget', rawget],
  ['rawset', rawset],
  ['select', select],
  ['setmetatable', setmetatable],
  ['tonumber', tonumber],
  ['tostring', tostring],
  ['type', type],
  ['unpack', unpack],
  ['xpcall', xpcall],
];

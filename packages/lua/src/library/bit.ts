/** `bit`, as LuaBitOp: operations on the low 32 bits, results signed. */
import { LuaTable } from '../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../values.ts';
import { numberArgument } from './arguments.ts';

/** Added to a double, leaves its integer part (halves to even) in the lowest bits. */
const INTEGER_MAGIC = 6755399441055744;
const DIGITS_MAX = 8;

const view = new DataView(new ArrayBuffer(8));

function bits(args: readonly LuaValue[], number: number, name: string): number {
  const value = numberArgument(args, number, name);
  if ((value | 0) === value) return value | 0;
  view.setFloat64(0, value + INTEGER_MAGIC);
  return view.getInt32(4);
}

function unary(name: string, compute: (value: number) => number): LuaFunction {
  return (...args) => compute(bits(args, 1, name));
}

function folding(name: string, compute: (left: number, right: number) => number): LuaFunction {
  return (...args) => {
    let result = bits(args, 1, name);
    for (let number = 2; number <= args.length; number++) {
      result = compute(result, bits(args, number, name));
    }
    return result;
  };
}

function shifting(name: string, compute: (value: number, count: number) => number): LuaFunction {
  return (...args) => {
    const value = bits(args, 1, name);
    return compute(value, bits(args, 2, name) & 31) | 0;
  };
}

function tohex(...args: LuaValue[]): LuaResult {
  const value = bits(args, 1, 'tohex') >>> 0;
  const digits = args.length < 2 ? DIGITS_MAX : bits(args, 2, 'tohex');
  const count = Math.min(Math.abs(digits), DIGITS_MAX);
  const text = value
    .toString(16)
    .padStart(DIGITS_MAX, '0')
    .slice(DIGITS_MAX - count);
  return digits < 0 ? text.toUpperCase() : text;
}

function swapBytes(value: number): number {
  view.setInt32(0, value);
  return view.getInt32(0, true);
}

/** A new table `bit`. */
export function bitLibrary(): LuaTable {
  return LuaTable.of([
    ['arshift', shifting('arshift', (value, count) => value >> count)],
    ['band', folding('band', (left, right) => left & right)],
    ['bnot', unary('bnot', (value) => ~value)],
    ['bor', folding('bor', (left, right) => left | right)],
    ['bswap', unary('bswap', swapBytes)],
    ['bxor', folding('bxor', (left, right) => left ^ right)],
    ['lshift', shifting('lshift', (value, count) => value << count)],
    ['rol', shifting('rol', (value, count) => (value << count) | (value >>> (32 - count)))],
    ['ror', shifting('ror', (value, count) => (value >>> count) | (value << (32 - count)))],
    ['rshift', shifting('rshift', (value, count) => value >>> count)],
    ['tobit', unary('tobit', (value) => value)],
    ['tohex', tohex],
  ]);
}

/**
 * How library functions read their arguments: conversions and errors as Lua's auxiliary library has
 * them. Numbers are accepted for strings and the other way round; `number` counts from 1.
 */
import { badArgument, wrongType } from '../errors.ts';
import { numberToText } from '../number-text.ts';
import { toNumber } from '../operators.ts';
import { LuaTable } from '../table.ts';
import type { LuaFunction, LuaValue } from '../values.ts';

const INTEGER_RANGE = 2 ** 63;

type Arguments = readonly LuaValue[];

export function stringArgument(args: Arguments, number: number, name: string): string {
  const value = args[number - 1];
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return numberToText(value);
  throw wrongType(number, name, 'string', args);
}

export function numberArgument(args: Arguments, number: number, name: string): number {
  const value = args[number - 1];
  if (typeof value === 'number') return value;
  const converted = toNumber(value);
  if (converted === undefined) throw wrongType(number, name, 'number', args);
  return converted;
}

/** A 64-bit integer; what does not fit is the smallest one, as x86 converts it. */
export function integerArgument(args: Arguments, number: number, name: string): number {
  return truncate(numberArgument(args, number, name));
}

export function optionalInteger(
  args: Arguments,
  number: number,
  name: string,
  otherwise: number,
): number {
  return args[number - 1] === undefined ? otherwise : integerArgument(args, number, name);
}

/** A C int: the low 32 bits. */
export function intArgument(args: Arguments, number: number, name: string): number {
  return integerArgument(args, number, name) | 0;
}

export function optionalInt(
  args: Arguments,
  number: number,
  name: string,
  otherwise: number,
): number {
  return args[number - 1] === undefined ? otherwise : intArgument(args, number, name);
}

export function tableArgument(args: Arguments, number: number, name: string): LuaTable {
  const value = args[number - 1];
  if (value instanceof LuaTable) return value;
  throw wrongType(number, name, 'table', args);
}

export function functionArgument(args: Arguments, number: number, name: string): LuaFunction {
  const value = args[number - 1];
  if (typeof value === 'function') return value;
  throw wrongType(number, name, 'function', args);
}

export function checkArgument(
  holds: boolean,
  number: number,
  name: string,
  problem: string,
): asserts holds {
  if (!holds) throw badArgument(number, name, problem);
}

/** C's conversion of a double to a 64-bit integer on x86. */
export function truncate(value: number): number {
  const integer = Math.trunc(value);
  return integer >= -INTEGER_RANGE && integer < INTEGER_RANGE ? integer + 0 : -INTEGER_RANGE;
}

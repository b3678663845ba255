/**
 * What generated code calls for an operator whose fast case it does not have in line: indexing,
 * arithmetic, comparison, concatenation, length. Names (`local 'x'`) are for messages only.
 *
 * Cost: the first lines of `index`, `setIndex`, `concat` and `equals` are the common case and small
 * enough to be inlined into hot code.
 */
import { LuaError, luaError } from './errors.ts';
import { callable, indexSlow, metamethod, setIndexSlow, typeError } from './metatables.ts';
import { meter } from './meter.ts';
import { numberToText, textToNumber } from './number-text.ts';
import { LuaTable } from './table.ts';
import {
  all,
  first,
  isTruthy,
  type LuaResult,
  type LuaValue,
  type MultipleValues,
  typeName,
} from './values.ts';

const CHARGED_BYTES_MIN = 1024;
const CHARGED_VALUES_MIN = 32;

export function index(object: LuaValue, key: LuaValue, name?: string): LuaValue {
  if (object instanceof LuaTable) {
    const value = object.get(key);
    if (value !== undefined || object.metatable === undefined) return value;
  }
  return indexSlow(object, key, name);
}

/** `index` with a key that is a string. */
export function field(object: LuaValue, key: string, name?: string): LuaValue {
  if (object instanceof LuaTable) {
    const value = object.getField(key);
    if (value !== undefined || object.metatable === undefined) return value;
  }
  return indexSlow(object, key, name);
}

export function setIndex(object: LuaValue, key: LuaValue, value: LuaValue, name?: string): void {
  const isPlain = object instanceof LuaTable && object.metatable === undefined && !object.readonly;
  if (isPlain && key !== undefined && !Number.isNaN(key as number)) object.set(key, value);
  else setIndexSlow(object, key, value, name);
}

/** A number, or what a string stands for; undefined for anything else. */
export function toNumber(value: LuaValue): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? textToNumber(value) : undefined;
}

type Compute = (left: number, right: number) => number;

function arithmetic(event: string, compute: Compute) {
  return (left: LuaValue, right: LuaValue, leftName?: string, rightName?: string): LuaValue => {
    const a = toNumber(left);
    const b = toNumber(right);
    if (a !== undefined && b !== undefined) return compute(a, b);
    const handler = metamethod(left, event) ?? metamethod(right, event);
    if (handler !== undefined) return first(callable(handler)(left, right));
    if (a === undefined) throw typeError('perform arithmetic on', left, leftName);
    throw typeError('perform arithmetic on', right, rightName);
  };
}

export function modulo(a: number, b: number): number {
  return a - Math.floor(a / b) * b;
}

/** C's pow, which differs from JavaScript's at 1 and −1. */
export function power(a: number, b: number): number {
  if (a === 1 || (a === -1 && (b === Number.POSITIVE_INFINITY || b === Number.NEGATIVE_INFINITY))) {
    return 1;
  }
  return a ** b;
}

export const add = arithmetic('__add', (a, b) => a + b);
export const subtract = arithmetic('__sub', (a, b) => a - b);
export const multiply = arithmetic('__mul', (a, b) => a * b);
export const divide = arithmetic('__div', (a, b) => a / b);
export const moduloOf = arithmetic('__mod', modulo);
export const powerOf = arithmetic('__pow', power);

export function negate(value: LuaValue, name?: string): LuaValue {
  const number = toNumber(value);
  if (number !== undefined) return -number;
  const handler = metamethod(value, '__unm');
  if (handler !== undefined) return first(callable(handler)(value, value));
  throw typeError('perform arithmetic on', value, name);
}

export function concat(
  left: LuaValue,
  right: LuaValue,
  leftName?: string,
  rightName?: string,
): LuaValue {
  if (typeof left === 'string' && typeof right === 'string') return join(left, right);
  const a = typeof left === 'number' ? numberToText(left) : left;
  const b = typeof right === 'number' ? numberToText(right) : right;
  if (typeof a === 'string' && typeof b === 'string') return join(a, b);
  const handler = metamethod(left, '__concat') ?? metamethod(right, '__concat');
  if (handler !== undefined) return first(callable(handler)(left, right));
  if (typeof a === 'string') throw typeError('concatenate', right, rightName);
  throw typeError('concatenate', left, leftName);
}

function join(left: string, right: string): string {
  const bytes = left.length + right.length;
  if (bytes > CHARGED_BYTES_MIN) meter.chargeString(bytes);
  return left + right;
}

export function length(value: LuaValue, name?: string): LuaValue {
  if (typeof value === 'string') return value.length;
  if (value instanceof LuaTable) return value.length();
  const handler = metamethod(value, '__len');
  if (handler !== undefined) return first(callable(handler)(value));
  throw typeError('get length of', value, name);
}

export function equals(left: LuaValue, right: LuaValue): boolean {
  if (left === right) return true;
  if (!(left instanceof LuaTable) || !(right instanceof LuaTable)) return false;
  const handler = left.metatable?.getField('__eq');
  if (handler === undefined || handler !== right.metatable?.getField('__eq')) return false;
  return isTruthy(first(callable(handler)(left, right)));
}

function comparisonProblem(left: LuaValue, right: LuaValue): string {
  const a = typeName(left);
  const b = typeName(right);
  return a === b ? `attempt to compare two ${a} values` : `attempt to compare ${a} with ${b}`;
}

/** The handler of a comparison: both sides must have the same one. */
function comparisonHandler(left: LuaValue, right: LuaValue, event: string): LuaValue {
  if (typeof left !== typeof right || typeof left === 'number') return undefined;
  const handler = metamethod(left, event);
  return handler !== undefined && handler === metamethod(right, event) ? handler : undefined;
}

/** `less` for library functions: an operator in C has no position, so its error has none. */
export function lessInLibrary(left: LuaValue, right: LuaValue): boolean {
  if (typeof left === 'number' && typeof right === 'number') return left < right;
  if (typeof left === 'string' && typeof right === 'string') return left < right;
  if (comparisonHandler(left, right, '__lt') !== undefined) return less(left, right);
  throw new LuaError(comparisonProblem(left, right));
}

export function less(left: LuaValue, right: LuaValue): boolean {
  if (typeof left === 'number' && typeof right === 'number') return left < right;
  if (typeof left === 'string' && typeof right === 'string') return left < right;
  const handler = comparisonHandler(left, right, '__lt');
  if (handler !== undefined) return isTruthy(first(callable(handler)(left, right)));
  throw luaError(comparisonProblem(left, right));
}

export function lessOrEqual(left: LuaValue, right: LuaValue): boolean {
  if (typeof left === 'number' && typeof right === 'number') return left <= right;
  if (typeof left === 'string' && typeof right === 'string') return left <= right;
  const handler = comparisonHandler(left, right, '__le');
  if (handler !== undefined) return isTruthy(first(callable(handler)(left, right)));
  const opposite = comparisonHandler(right, left, '__lt');
  if (opposite !== undefined) return !isTruthy(first(callable(opposite)(right, left)));
  throw luaError(comparisonProblem(left, right));
}

/** Start, limit or step of a numeric loop. */
export function loopNumber(value: LuaValue, what: string): number {
  const number = toNumber(value);
  if (number === undefined) throw luaError(`'for' ${what} must be a number`);
  return number;
}

/** A call's results, to be copied into a list; many of them count as work. */
export function spread(result: LuaResult): MultipleValues {
  const values = all(result);
  if (values.length > CHARGED_VALUES_MIN) meter.charge(values.length);
  return values;
}

/** A table constructor: `fields` are key, value, key, value…; items win over fields. */
export function tableOf(items: LuaValue[], fields: readonly LuaValue[]): LuaTable {
  const table = new LuaTable(items);
  // The table takes `items` over, and fields make it longer.
  const itemCount = items.length;
  for (let at = 0; at < fields.length; at += 2) {
    const key = fields[at];
    const isItem = typeof key === 'number' && key >= 1 && key <= itemCount;
    if (isItem && Number.isInteger(key)) continue;
    if (key === undefined) throw luaError('table index is nil');
    if (Number.isNaN(key as number)) throw luaError('table index is NaN');
    table.set(key, fields[at + 1]);
  }
  return table;
}

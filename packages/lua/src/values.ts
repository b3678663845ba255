/**
 * What a Lua value is in JavaScript, and how Lua functions are called.
 *
 *   nil       undefined
 *   boolean   boolean
 *   number    number (a double, as in Lua 5.1)
 *   string    string of chars 0–255: one char, one byte
 *   table     LuaTable (table.ts); keys never become properties of an object
 *   function  a JavaScript function, see below
 *   userdata  LuaUserdata, compared by identity (cjson.null)
 *
 * Calling convention. A Lua function is called with its arguments as plain JavaScript arguments:
 * missing ones are nil, surplus ones are dropped. It returns
 *
 *   one result             the value itself,
 *   none, or two and more  a JavaScript array of the results (`NO_VALUES` for none).
 *
 * No Lua value is an array, so `Array.isArray` tells the two apart, an array of one is allowed too,
 * and a call in a place for one value, `first(f(x))`, allocates nothing. Who returns an array gives
 * it away and does not touch it again; who receives one may read it only.
 *
 * Nothing here knows scripts, Redis or the compiler. Errors are in errors.ts.
 */
import type { LuaTable } from './table.ts';

export type LuaValue = undefined | boolean | number | string | LuaTable | LuaFunction | LuaUserdata;

/** Results other than exactly one; see the calling convention above. */
export type MultipleValues = readonly LuaValue[];

export type LuaResult = LuaValue | MultipleValues;

export type LuaFunction = (...args: LuaValue[]) => LuaResult;

/** An opaque value, equal to itself only. */
export class LuaUserdata {
  /** What `tostring` shows of it. */
  readonly address: string;
  metatable: LuaTable | undefined = undefined;

  constructor(address: string) {
    this.address = address;
  }
}

/** An argument as the script's text has it; undefined for one that is known only when it runs. */
export type LiteralArgument = string | number | undefined;

/**
 * Makes the function that compiled code calls in one place instead of a library function, with only
 * the arguments that are no literals. `isForEffect`: nobody looks at the result. Undefined when that
 * would be of no use.
 */
export type MakeCallSite = (
  literals: readonly LiteralArgument[],
  isForEffect: boolean,
) => LuaFunction | undefined;

const callSites = new WeakMap<LuaFunction, MakeCallSite>();

/** Calls of `target` in compiled code go to functions that `make` makes, one for each place. */
export function setCallSites(target: LuaFunction, make: MakeCallSite): void {
  callSites.set(target, make);
}

/** The function for a place that calls `target`, if there are such. */
export function makeCallSite(
  target: LuaFunction,
  literals: readonly LiteralArgument[],
  isForEffect: boolean,
): LuaFunction | undefined {
  return callSites.get(target)?.(literals, isForEffect);
}

/** The result of a function that returns nothing. */
export const NO_VALUES: MultipleValues = [];

/** The first of a call's results, nil when there is none. */
export function first(result: LuaResult): LuaValue {
  return Array.isArray(result) ? result[0] : (result as LuaValue);
}

/** All of a call's results as an array. */
export function all(result: LuaResult): MultipleValues {
  return Array.isArray(result) ? result : [result as LuaValue];
}

export function isTruthy(value: LuaValue): boolean {
  return value !== undefined && value !== false;
}

/** The name that Lua's `type` gives. */
export function typeName(value: LuaValue): string {
  switch (typeof value) {
    case 'undefined':
      return 'nil';
    case 'boolean':
    case 'number':
    case 'string':
    case 'function':
      return typeof value;
    default:
      return value instanceof LuaUserdata ? 'userdata' : 'table';
  }
}

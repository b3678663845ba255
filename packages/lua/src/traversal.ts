/**
 * The generic `for`. Loops over `pairs` and `ipairs`, which are nearly all, walk the table directly;
 * others call the iterator function each turn. One small object per loop.
 */
import { wrongType } from './errors.ts';
import { callable } from './metatables.ts';
import { LuaTable } from './table.ts';
import {
  type LuaFunction,
  type LuaResult,
  type LuaValue,
  type MultipleValues,
  NO_VALUES,
} from './values.ts';

/** The global `next`. */
export function next(...args: LuaValue[]): LuaResult {
  const [table, key] = args;
  if (!(table instanceof LuaTable)) throw wrongType(1, 'next', 'table', args);
  const entry = table.next(key);
  return entry === undefined ? undefined : [entry.key, entry.value];
}

/** The iterator that `ipairs` gives. */
export function nextElement(table?: LuaValue, index?: LuaValue): LuaResult {
  const at = (index as number) + 1;
  const value = (table as LuaTable).get(at);
  return value === undefined ? NO_VALUES : [at, value];
}

const ARRAY = 0;
const HASH = 1;
const ELEMENTS = 2;
const FUNCTION = 3;

export class Traversal {
  /** The loop's first and second value, and all of them when it has more. */
  first: LuaValue = undefined;
  second: LuaValue = undefined;
  results: MultipleValues = NO_VALUES;
  #kind: number;
  readonly #table: LuaTable;
  readonly #step: LuaFunction;
  readonly #state: LuaValue;
  #index = 0;
  #entries: MapIterator<[LuaValue, LuaValue]> | undefined = undefined;

  constructor(step: LuaValue, state: LuaValue, control: LuaValue) {
    const isTable = state instanceof LuaTable;
    this.#state = state;
    this.#table = isTable ? state : new LuaTable();
    this.first = control;
    if (isTable && step === next && control === undefined) this.#kind = ARRAY;
    else if (isTable && step === nextElement && control === 0) this.#kind = ELEMENTS;
    else this.#kind = FUNCTION;
    this.#step = this.#kind === FUNCTION ? callable(step) : next;
  }

  /** To the next turn; false when the loop is over. */
  advance(): boolean {
    switch (this.#kind) {
      case ARRAY:
        return this.#advanceArray();
      case HASH:
        return this.#advanceHash();
      case ELEMENTS:
        return this.#advanceElements();
      default:
        return this.#call();
    }
  }

  #advanceArray(): boolean {
    const { array } = this.#table;
    while (this.#index < array.length) {
      const value = array[this.#index++];
      if (value !== undefined) {
        this.first = this.#index;
        this.second = value;
        return true;
      }
    }
    this.#kind = HASH;
    this.#entries = this.#table.hash?.entries();
    return this.#advanceHash();
  }

  #advanceHash(): boolean {
    const entry = this.#entries?.next();
    if (entry === undefined || entry.done) return false;
    this.first = entry.value[0];
    this.second = entry.value[1];
    return true;
  }

  #advanceElements(): boolean {
    const value = this.#table.get(++this.#index);
    this.first = this.#index;
    this.second = value;
    return value !== undefined;
  }

  #call(): boolean {
    const result = this.#step(this.#state, this.first);
    if (Array.isArray(result)) {
      this.results = result;
      this.first = result[0];
      this.second = result[1];
    } else {
      this.results = NO_VALUES;
      this.first = result as LuaValue;
      this.second = undefined;
    }
    return this.first !== undefined;
  }
}

/** The traversal for a loop's list of expressions. */
export function traverse(values: MultipleValues): Traversal {
  return new Traversal(values[0], values[1], values[2]);
}

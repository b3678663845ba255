/**
 * A Lua table: an array for the keys 1…n, a Map for all others.
 *
 *   array   [v1, v2, …, vn]   element i−1 holds key i; nil (undefined) may be in between
 *   hash    key → value       made with the first such key; holds no nil and no key 1…n+1
 *
 * A key that follows the array is appended to it and takes its successors out of the Map, so a table
 * that is filled in order, or in reverse, ends up as an array. Keys are data: nothing a script names
 * (`__proto__`, `constructor`) becomes a property of an object. `get`, `set`, `length` and `next` are
 * raw, metatables are looked at in operators.ts.
 *
 * `length` is a border as Lua 5.1 finds it in an array with holes; tables made from a constructor
 * with trailing nils keep their size for that. Order of traversal: the array, then the Map in the
 * order of insertion (Lua's is another one, and unspecified). Keys may be cleared while a traversal
 * goes on.
 *
 * Cost: get and set O(1); `next` O(1) in a traversal, O(n) out of one.
 */
import { LuaError } from './errors.ts';
import { ARRAY_ELEMENTS_MAX, HASH_KEYS_MAX } from './limits.ts';
import type { LuaValue } from './values.ts';

export class LuaTable {
  array: LuaValue[];
  hash: Map<LuaValue, LuaValue> | undefined;
  metatable: LuaTable | undefined;
  /** True for the tables that scripts may not change. */
  readonly: boolean;
  #walk: { key: LuaValue; keys: Iterator<LuaValue> } | undefined;

  /** Takes over `array` as the values of 1…n. */
  constructor(array: LuaValue[] = []) {
    this.array = array;
    this.hash = undefined;
    this.metatable = undefined;
    this.readonly = false;
    this.#walk = undefined;
  }

  /** A table with these string keys. */
  static of(fields: Iterable<readonly [LuaValue, LuaValue]>): LuaTable {
    const table = new LuaTable();
    for (const [key, value] of fields) table.set(key, value);
    return table;
  }

  get(key: LuaValue): LuaValue {
    if (typeof key === 'number') {
      const index = (key - 1) | 0;
      if (index === key - 1 && index >= 0 && index < this.array.length) return this.array[index];
    }
    return this.hash === undefined ? undefined : this.hash.get(key);
  }

  /** For library functions, before they change `array` or `hash` themselves. */
  checkWritable(): void {
    if (this.readonly) throw new LuaError('Attempt to modify a readonly table');
  }

  /** `get` of a key that is known not to be a number. */
  getField(key: LuaValue): LuaValue {
    return this.hash === undefined ? undefined : this.hash.get(key);
  }

  /** Throws for the keys nil and NaN, and when the table is read-only. */
  set(key: LuaValue, value: LuaValue): void {
    if (this.readonly) this.checkWritable();
    if (typeof key === 'number') {
      const index = (key - 1) | 0;
      if (index === key - 1 && index >= 0 && index <= this.array.length) {
        this.#setElement(index, value);
        return;
      }
    }
    this.#setHash(key, value);
  }

  #setElement(index: number, value: LuaValue): void {
    const { array } = this;
    if (index < array.length) {
      if (value === undefined && index === array.length - 1) this.#dropLast();
      else array[index] = value;
    } else if (value !== undefined) {
      if (index >= ARRAY_ELEMENTS_MAX) throw new LuaError('table overflow');
      array.push(value);
      if (this.hash !== undefined && this.hash.size > 0) this.#takeSuccessors(this.hash);
    }
  }

  #dropLast(): void {
    const { array } = this;
    do array.pop();
    while (array.length > 0 && array[array.length - 1] === undefined);
  }

  #takeSuccessors(hash: Map<LuaValue, LuaValue>): void {
    const { array } = this;
    for (;;) {
      const key = array.length + 1;
      const value = hash.get(key);
      if (value === undefined) return;
      hash.delete(key);
      array.push(value);
    }
  }

  #setHash(key: LuaValue, value: LuaValue): void {
    if (value === undefined) {
      if (this.hash !== undefined) this.hash.delete(key);
      else this.#checkKey(key);
      return;
    }
    this.#checkKey(key);
    this.hash ??= new Map();
    if (this.hash.size >= HASH_KEYS_MAX && !this.hash.has(key))
      throw new LuaError('table overflow');
    this.hash.set(key, value);
  }

  #checkKey(key: LuaValue): void {
    if (key === undefined) throw new LuaError('table index is nil');
    if (typeof key === 'number' && Number.isNaN(key)) throw new LuaError('table index is NaN');
  }

  /** `#`: a border. */
  length(): number {
    const { array } = this;
    const size = array.length;
    if (size === 0 || array[size - 1] !== undefined) return size;
    let low = 0;
    let high = size;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (array[middle - 1] === undefined) high = middle;
      else low = middle;
    }
    return low;
  }

  /**
   * The key and value after `key` (the first for nil), undefined at the end. Throws when `key` is
   * none of this table's.
   */
  next(key: LuaValue): { key: LuaValue; value: LuaValue } | undefined {
    let index = 0;
    if (key !== undefined) {
      if (!this.#isElement(key)) return this.#nextInHash(key);
      index = key as number;
    }
    for (; index < this.array.length; index++) {
      const value = this.array[index];
      if (value !== undefined) return { key: index + 1, value };
    }
    return this.#nextInHash(undefined);
  }

  /** True for keys of the array, also for those that were cleared away during a traversal. */
  #isElement(key: LuaValue): boolean {
    if (typeof key !== 'number' || !Number.isInteger(key) || key < 1) return false;
    if (key <= this.array.length) return true;
    return this.#walk?.key !== key && !this.hash?.has(key);
  }

  #nextInHash(key: LuaValue): { key: LuaValue; value: LuaValue } | undefined {
    if (this.hash === undefined) return undefined;
    let walk = this.#walk;
    if (walk === undefined || key === undefined || walk.key !== key) {
      walk = { key, keys: this.hash.keys() };
      if (key !== undefined) this.#seek(walk.keys, key);
      this.#walk = walk;
    }
    const { done, value } = walk.keys.next();
    if (done) {
      this.#walk = undefined;
      return undefined;
    }
    walk.key = value;
    return { key: value, value: this.hash.get(value) };
  }

  #seek(keys: Iterator<LuaValue>, key: LuaValue): void {
    for (;;) {
      const { done, value } = keys.next();
      if (value === key) return;
      if (done) throw new LuaError("invalid key to 'next'");
    }
  }
}

/**
 * `cjson.encode`: a Lua value as JSON text.
 *
 * A table whose keys are all whole numbers from 1 up is an array (holes are null), any other an
 * object, so an empty table is `{}`. Strings are bytes and stay as they are but for quotes,
 * backslashes, slashes, and control characters. Reads tables raw. Cost: linear in the text; elements
 * and bytes are charged to the meter.
 */
import { LuaError } from '../errors.ts';
import { BYTES_PER_STEP, STRING_BYTES_MAX } from '../limits.ts';
import { meter } from '../meter.ts';
import { formatGeneral, numberToText } from '../number-text.ts';
import { LuaTable } from '../table.ts';
import { type LuaValue, typeName } from '../values.ts';
import { JSON_NULL } from './json-null.ts';
import type { JsonSettings } from './json-settings.ts';
import { NestedFailure } from './nested-failure.ts';

const PRECISION_OF_TEXT = 14;
const INTEGER_MAX = 2 ** 31 - 1;
const PIECE_BYTES = 65_536;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
const SPECIAL = /["\\/\x00-\x1f\x7f]/;
const SPECIAL_ALL = new RegExp(SPECIAL.source, 'g');

const ESCAPES: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
  '"': '\\"',
  '/': '\\/',
  '\\': '\\\\',
};

function escapeOf(special: string): string {
  return ESCAPES[special] ?? `\\u${special.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function quoted(text: string): string {
  if (text.length > PIECE_BYTES) return `"${escapedByPieces(text)}"`;
  return SPECIAL.test(text) ? `"${text.replace(SPECIAL_ALL, escapeOf)}"` : `"${text}"`;
}

/** V8 remembers all matches of a `replace` until its end, so a long text is too much for one. */
function escapedByPieces(text: string): string {
  let result = '';
  for (let at = 0; at < text.length; at += PIECE_BYTES) {
    result += text.slice(at, at + PIECE_BYTES).replace(SPECIAL_ALL, escapeOf);
    if (result.length > STRING_BYTES_MAX) throw new LuaError('not enough memory');
    meter.charge(PIECE_BYTES / BYTES_PER_STEP);
  }
  return result;
}

function unserialisable(value: LuaValue, reason: string): NestedFailure {
  return new NestedFailure(`Cannot serialise ${typeName(value)}: ${reason}`);
}

/** Throws NestedFailure. */
export class JsonEncoder {
  readonly #settings: JsonSettings;
  #text = '';

  constructor(settings: JsonSettings) {
    this.#settings = settings;
  }

  encode(value: LuaValue): string {
    this.#append(value, 0);
    const text = this.#text;
    meter.chargeString(text.length);
    return text;
  }

  #append(value: LuaValue, depth: number): void {
    if (typeof value === 'string') this.#text += quoted(value);
    else if (typeof value === 'number') this.#text += this.#number(value);
    else if (value instanceof LuaTable) this.#appendTable(value, depth + 1);
    else if (typeof value === 'boolean') this.#text += value ? 'true' : 'false';
    else if (value === undefined || value === JSON_NULL) this.#text += 'null';
    else throw unserialisable(value, 'type not supported');
  }

  #number(value: number): string {
    if (!Number.isFinite(value) && this.#settings.encodeInvalid !== 'on') {
      if (this.#settings.encodeInvalid === 'null') return 'null';
      throw unserialisable(value, 'must not be NaN or Inf');
    }
    if (Number.isNaN(value)) return 'nan';
    const { precision } = this.#settings;
    return precision === PRECISION_OF_TEXT ? numberToText(value) : formatGeneral(value, precision);
  }

  #appendTable(table: LuaTable, depth: number): void {
    if (depth > this.#settings.encodeDepthMax) {
      throw new NestedFailure(`Cannot serialise, excessive nesting (${depth})`);
    }
    if (this.#text.length > STRING_BYTES_MAX) throw new LuaError('not enough memory');
    const length = this.#arrayLength(table);
    if (length > 0) this.#appendArray(table, length, depth);
    else this.#appendObject(table, depth);
  }

  /** The last index of an array; −1 for an object. */
  #arrayLength(table: LuaTable): number {
    const { array, hash } = table;
    let items = 0;
    let last = 0;
    for (let at = 0; at < array.length; at++) {
      if (array[at] === undefined) continue;
      items++;
      last = at + 1;
    }
    meter.charge(items + (hash?.size ?? 0));
    for (const key of hash?.keys() ?? []) {
      if (typeof key !== 'number' || key < 1 || Math.floor(key) !== key) return -1;
      // C's int: what does not fit is negative, and then an object.
      if (key > last) last = key > INTEGER_MAX ? -(2 ** 31) : key;
      items++;
    }
    const { sparseRatio, sparseSafe, sparseConvert } = this.#settings;
    if (sparseRatio === 0 || last <= items * sparseRatio || last <= sparseSafe) return last;
    if (sparseConvert) return -1;
    throw unserialisable(table, 'excessively sparse array');
  }

  #appendArray(table: LuaTable, length: number, depth: number): void {
    let mark = '[';
    for (let at = 1; at <= length; at++) {
      this.#text += mark;
      mark = ',';
      meter.charge(1);
      this.#append(table.get(at), depth);
    }
    this.#text += ']';
  }

  #appendObject(table: LuaTable, depth: number): void {
    let mark = '{';
    let at = 0;
    for (const value of table.array) {
      at++;
      if (value === undefined) continue;
      this.#text += `${mark}"${this.#number(at)}":`;
      mark = ',';
      this.#append(value, depth);
    }
    for (const [key, value] of table.hash ?? []) {
      this.#text += `${mark}${this.#key(key)}:`;
      mark = ',';
      this.#append(value, depth);
    }
    this.#text += mark === '{' ? '{}' : '}';
  }

  #key(key: LuaValue): string {
    if (typeof key === 'string') return quoted(key);
    if (typeof key === 'number') return `"${this.#number(key)}"`;
    throw unserialisable(key, 'table key must be a number or string');
  }
}

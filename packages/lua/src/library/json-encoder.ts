/**
 * `cjson.encode`: a Lua value as JSON text.
 *
 * A table whose keys are all whole numbers from 1 up is an array (holes are null), any other an
 * object, so an empty table is `{}`. Strings are bytes and stay as they are but for quotes,
 * backslashes, slashes, and control characters. Reads tables raw. Cost: linear in the text; elements
 * and bytes are charged to the meter.
 */
import { BYTES_PER_STEP } from '../limits.ts';
import { meter } from '../meter.ts';
import { formatGeneral, numberToText } from '../number-text.ts';
import { LuaTable } from '../table.ts';
import { type LuaValue, typeName } from '../values.ts';
import { byteWriter as out } from './byte-writer.ts';
import { JSON_NULL } from './json-null.ts';
import type { JsonSettings } from './json-settings.ts';
import { NestedFailure } from './nested-failure.ts';

const PRECISION_OF_TEXT = 14;
const INTEGER_MAX = 2 ** 31 - 1;
const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const ARRAY_BEGIN = 91;
const ARRAY_END = 93;
const OBJECT_BEGIN = 123;
const OBJECT_END = 125;
const PIECE_BYTES = 16_384;
const ESCAPE_BYTES_MAX = 6;
const SHORT_BYTES = 64;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
const SPECIAL = /["\\/\x00-\x1f\x7f]/;

/** What each special byte is written as; undefined for all others. */
const ESCAPES: readonly (string | undefined)[] = Array.from({ length: 256 }, (_, code) => {
  const char = String.fromCharCode(code);
  const short = '\b\t\n\f\r"/\\'.indexOf(char);
  if (short >= 0) return `\\${'btnfr"/\\'[short]}`;
  return SPECIAL.test(char) ? `\\u${code.toString(16).padStart(4, '0')}` : undefined;
});

function writeString(text: string): void {
  out.reserve(text.length + 2);
  out.byte(QUOTE);
  if (text.length > SHORT_BYTES && !SPECIAL.test(text)) out.text(text);
  else {
    for (let at = 0; at < text.length; at += PIECE_BYTES) {
      writeEscaped(text, at, Math.min(at + PIECE_BYTES, text.length));
    }
  }
  out.byte(QUOTE);
}

function writeEscaped(text: string, from: number, to: number): void {
  meter.charge(((to - from) / BYTES_PER_STEP) | 0);
  out.reserve((to - from) * ESCAPE_BYTES_MAX);
  const { buffer } = out;
  let { size } = out;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    const escaped = ESCAPES[code];
    if (escaped === undefined) buffer[size++] = code;
    else
      for (let index = 0; index < escaped.length; index++)
        buffer[size++] = escaped.charCodeAt(index);
  }
  out.size = size;
}

function unserialisable(value: LuaValue, reason: string): NestedFailure {
  return new NestedFailure(`Cannot serialise ${typeName(value)}: ${reason}`);
}

/** Throws NestedFailure. */
export class JsonEncoder {
  readonly #settings: JsonSettings;

  constructor(settings: JsonSettings) {
    this.#settings = settings;
  }

  encode(value: LuaValue): string {
    return out.collect(() => this.#append(value, 0));
  }

  #append(value: LuaValue, depth: number): void {
    if (typeof value === 'string') writeString(value);
    else if (typeof value === 'number') out.text(this.#number(value));
    else if (value instanceof LuaTable) this.#appendTable(value, depth + 1);
    else if (typeof value === 'boolean') out.text(value ? 'true' : 'false');
    else if (value === undefined || value === JSON_NULL) out.text('null');
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
    for (let at = 1; at <= length; at++) {
      out.byte(at === 1 ? ARRAY_BEGIN : COMMA);
      meter.charge(1);
      this.#append(table.get(at), depth);
    }
    out.byte(ARRAY_END);
  }

  #appendObject(table: LuaTable, depth: number): void {
    let mark = OBJECT_BEGIN;
    for (let at = 0; at < table.array.length; at++) {
      const value = table.array[at];
      if (value === undefined) continue;
      this.#appendField(mark, at + 1, value, depth);
      mark = COMMA;
    }
    for (const [key, value] of table.hash ?? []) {
      this.#appendField(mark, key, value, depth);
      mark = COMMA;
    }
    if (mark === OBJECT_BEGIN) out.byte(OBJECT_BEGIN);
    out.byte(OBJECT_END);
  }

  #appendField(mark: number, key: LuaValue, value: LuaValue, depth: number): void {
    out.byte(mark);
    if (typeof key === 'string') writeString(key);
    else if (typeof key === 'number') out.text(`"${this.#number(key)}"`);
    else throw unserialisable(key, 'table key must be a number or string');
    out.byte(COLON);
    this.#append(value, depth);
  }
}

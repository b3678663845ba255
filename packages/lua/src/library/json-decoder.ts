/**
 * `cjson.decode`: JSON text to a Lua value, with the extensions of lua-cjson: NaN, infinities and
 * hexadecimal numbers when the settings allow them, control characters within strings, and a NUL
 * between tokens ends the text.
 *
 * The parser descends by characters and takes slices. It has no tokens; only when something is not
 * as expected does it look for the token that is there, because messages name it and where it is.
 *
 * Cost: linear in the text; elements and bytes are charged to the meter. Nested values take
 * JavaScript's stack, as far as the depth of the settings.
 */
import { LuaError } from '../errors.ts';
import { ARRAY_ELEMENTS_MAX, HASH_KEYS_MAX } from '../limits.ts';
import { meter } from '../meter.ts';
import { textToNumber } from '../number-text.ts';
import { LuaTable } from '../table.ts';
import type { LuaValue } from '../values.ts';
import { byteWriter as out } from './byte-writer.ts';
import { JSON_NULL } from './json-null.ts';
import type { JsonSettings } from './json-settings.ts';
import { NestedFailure } from './nested-failure.ts';

const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const ARRAY_BEGIN = 91;
const BACKSLASH = 92;
const ARRAY_END = 93;
const EXPONENT = 101;
const HEXADECIMAL_MARK = 120;
const OBJECT_BEGIN = 123;
const OBJECT_END = 125;
const FAST_DIGITS_MAX = 15;
/** Up to here a loop is faster than a regular expression. */
const SHORT_BYTES = 32;

/** What C's strtod reads, from where it stands. */
const NUMBER =
  /[-+]?(?:0x(?:[\da-f]+\.?[\da-f]*|\.[\da-f]+)(?:p[-+]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|inf(?:inity)?|nan(?:\(\w*\))?)/iy;
/** What is a number to strtod only. */
const INVALID_NUMBER = /\+|-?(?:0[x\d]|inf|nan)/iy;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a NUL ends the text
const STRING_STOP = /["\\\x00]/g;
const HEXADECIMAL = /[\da-f]{4}/iy;

const ESCAPED: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

const MARKS: Readonly<Record<string, string>> = {
  '{': 'T_OBJ_BEGIN',
  '}': 'T_OBJ_END',
  '[': 'T_ARR_BEGIN',
  ']': 'T_ARR_END',
  ',': 'T_COMMA',
  ':': 'T_COLON',
  '\0': 'T_END',
};

/** Throws NestedFailure. */
export class JsonDecoder {
  readonly #settings: JsonSettings;
  readonly #text: string;
  #at = 0;
  #depth = 0;
  /** What is wrong with the string or number that could not be read, at `#at`. */
  #problem = '';

  constructor(settings: JsonSettings, text: string) {
    this.#settings = settings;
    this.#text = text;
  }

  decode(): LuaValue {
    const text = this.#text;
    if (text.length >= 2 && (text.charCodeAt(0) === 0 || text.charCodeAt(1) === 0)) {
      throw new NestedFailure('JSON parser does not support UTF-16 or UTF-32');
    }
    meter.chargeString(text.length);
    const value = this.#value(this.#next());
    const end = this.#next();
    if (end > 0) throw this.#unexpected('the end');
    return value;
  }

  /** The code of the next character that is no space, and goes to it; −1 at the end. */
  #next(): number {
    const text = this.#text;
    for (; this.#at < text.length; this.#at++) {
      const code = text.charCodeAt(this.#at);
      if (code > 32 || (code !== 32 && code !== 10 && code !== 13 && code !== 9)) return code;
    }
    return -1;
  }

  #value(code: number): LuaValue {
    switch (code) {
      case QUOTE:
        return this.#string() ?? this.#fail('value');
      case OBJECT_BEGIN:
        return this.#object();
      case ARRAY_BEGIN:
        return this.#array();
      case 116:
        return this.#word('true') ? true : this.#fail('value');
      case 102:
        return this.#word('false') ? false : this.#fail('value');
      case 110:
        if (this.#word('null')) return JSON_NULL;
        return this.#number(code) ?? this.#fail('value');
      case -1:
      case 0:
      case COMMA:
      case COLON:
      case ARRAY_END:
      case OBJECT_END:
        throw this.#unexpected('value');
      default:
        return this.#number(code) ?? this.#fail('value');
    }
  }

  #word(word: string): boolean {
    const found = this.#text.startsWith(word, this.#at);
    if (found) this.#at += word.length;
    return found;
  }

  #descend(): void {
    this.#at++;
    this.#depth++;
    if (this.#depth > this.#settings.decodeDepthMax) {
      const at = `(${this.#depth}) at character ${this.#at}`;
      throw new NestedFailure(`Found too many nested data structures ${at}`);
    }
  }

  #array(): LuaTable {
    this.#descend();
    const elements: LuaValue[] = [];
    let code = this.#next();
    if (code !== ARRAY_END) {
      for (;;) {
        elements.push(this.#value(code));
        meter.charge(1);
        if (elements.length > ARRAY_ELEMENTS_MAX) throw new LuaError('table overflow');
        code = this.#next();
        if (code === ARRAY_END) break;
        if (code !== COMMA) throw this.#unexpected('comma or array end');
        this.#at++;
        code = this.#next();
      }
    }
    this.#at++;
    this.#depth--;
    return new LuaTable(elements);
  }

  #object(): LuaTable {
    this.#descend();
    const table = new LuaTable();
    let code = this.#next();
    if (code !== OBJECT_END) {
      const fields = new Map<LuaValue, LuaValue>();
      table.hash = fields;
      for (;;) {
        if (code !== QUOTE) throw this.#unexpected('object key string');
        const key = this.#string() ?? this.#fail('object key string');
        if (this.#next() !== COLON) throw this.#unexpected('colon');
        this.#at++;
        fields.set(key, this.#value(this.#next()));
        meter.charge(1);
        if (fields.size > HASH_KEYS_MAX) throw new LuaError('table overflow');
        code = this.#next();
        if (code === OBJECT_END) break;
        if (code !== COMMA) throw this.#unexpected('comma or object end');
        this.#at++;
        code = this.#next();
      }
    }
    this.#at++;
    this.#depth--;
    return table;
  }

  /** Undefined, with a problem, when it is none. */
  #string(): string | undefined {
    const text = this.#text;
    const start = this.#at + 1;
    const end = Math.min(text.length, start + SHORT_BYTES);
    for (let at = start; at < end; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return text.slice(start, at);
      }
      if (code === BACKSLASH || code === 0) {
        this.#at = at;
        return this.#escapedString(text.slice(start, at));
      }
    }
    return this.#longString(start, end);
  }

  /** As `#string`, with nothing that means something before `from`. */
  #longString(start: number, from: number): string | undefined {
    const text = this.#text;
    STRING_STOP.lastIndex = from;
    const at = STRING_STOP.exec(text)?.index ?? text.length;
    if (text.charCodeAt(at) !== QUOTE) {
      this.#at = at;
      return this.#escapedString(text.slice(start, at));
    }
    this.#at = at + 1;
    return text.slice(start, at);
  }

  /** The rest of a string from a character on that means something, as a backslash does. */
  #escapedString(begin: string): string | undefined {
    let isWhole = false;
    const result = out.collect(() => {
      out.text(begin);
      isWhole = this.#writeEscaped();
    });
    return isWhole ? result : undefined;
  }

  #writeEscaped(): boolean {
    const text = this.#text;
    for (;;) {
      if (text[this.#at] === '"') {
        this.#at++;
        return true;
      }
      if (text[this.#at] !== '\\') {
        this.#problem = 'unexpected end of string';
        return false;
      }
      meter.charge(1);
      const piece = this.#escape();
      if (piece === undefined) return false;
      STRING_STOP.lastIndex = this.#at;
      const end = STRING_STOP.exec(text)?.index ?? text.length;
      out.text(piece);
      out.text(text.slice(this.#at, end));
      this.#at = end;
    }
  }

  #escape(): string | undefined {
    const escaped = this.#text[this.#at + 1] ?? '';
    if (escaped === 'u') {
      const character = this.#unicode();
      if (character === undefined) this.#problem = 'invalid unicode escape code';
      return character;
    }
    const character = ESCAPED[escaped];
    if (character === undefined) this.#problem = 'invalid escape code';
    else this.#at += 2;
    return character;
  }

  /** UTF-8 of one UTF-16 unit or a pair. */
  #unicode(): string | undefined {
    const unit = this.#codeUnit(this.#at + 2);
    if (unit === undefined) return undefined;
    if ((unit & 0xf800) !== 0xd800) {
      this.#at += 6;
      return utf8(unit);
    }
    if ((unit & 0x400) !== 0 || !this.#text.startsWith('\\u', this.#at + 6)) return undefined;
    const low = this.#codeUnit(this.#at + 8);
    if (low === undefined || (low & 0xfc00) !== 0xdc00) return undefined;
    this.#at += 12;
    return utf8((((unit & 0x3ff) << 10) | (low & 0x3ff)) + 0x10000);
  }

  #codeUnit(at: number): number | undefined {
    HEXADECIMAL.lastIndex = at;
    const digits = HEXADECIMAL.exec(this.#text);
    return digits === null ? undefined : Number.parseInt(digits[0], 16);
  }

  /** Plain numbers are read at once: whole ones of up to 15 digits, and those with a fraction. */
  #number(code: number): number | undefined {
    const text = this.#text;
    const start = code === MINUS ? this.#at + 1 : this.#at;
    let at = start;
    let value = 0;
    let next = text.charCodeAt(at);
    while (next >= ZERO && next <= NINE) {
      value = value * 10 + (next - ZERO);
      next = text.charCodeAt(++at);
    }
    const digits = at - start;
    const hasZeroInFront = digits !== 1 && text.charCodeAt(start) === ZERO;
    if (digits === 0 || digits > FAST_DIGITS_MAX || hasZeroInFront) return this.#anyNumber(code);
    if (next === POINT) {
      do next = text.charCodeAt(++at);
      while (next >= ZERO && next <= NINE);
      value = Number(text.slice(start, at));
    }
    const lower = next | 32;
    if (lower === EXPONENT || lower === HEXADECIMAL_MARK) return this.#anyNumber(code);
    this.#at = at;
    return code === MINUS ? -value : value;
  }

  #anyNumber(code: number): number | undefined {
    INVALID_NUMBER.lastIndex = this.#at;
    const isInvalid = INVALID_NUMBER.test(this.#text);
    const hasDigits = code === MINUS || (code >= ZERO && code <= NINE);
    if (!hasDigits && !(isInvalid && this.#settings.decodeInvalid)) {
      this.#problem = 'invalid token';
      return undefined;
    }
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text);
    if (found === null || (isInvalid && !this.#settings.decodeInvalid)) {
      this.#problem = 'invalid number';
      return undefined;
    }
    this.#at += found[0].length;
    return textToNumber(found[0]);
  }

  /** After a string or number with a problem, or anything that is no value. */
  #fail(expected: string): never {
    throw this.#unexpected(expected);
  }

  #unexpected(expected: string): NestedFailure {
    const found = this.#problem || this.#tokenHere();
    return new NestedFailure(
      `Expected ${expected} but found ${found} at character ${this.#at + 1}`,
    );
  }

  /** The name of the token here; a problem when it is none. */
  #tokenHere(): string {
    const at = this.#at;
    const here = this.#text[at] ?? '\0';
    const mark = MARKS[here];
    if (mark !== undefined) return mark;
    if (this.#word('true') || this.#word('false')) return this.#back(at, 'T_BOOLEAN');
    if (this.#word('null')) return this.#back(at, 'T_NULL');
    if (here === '"')
      return this.#string() === undefined ? this.#problem : this.#back(at, 'T_STRING');
    const isNumber = this.#number(here.charCodeAt(0)) !== undefined;
    return isNumber ? this.#back(at, 'T_NUMBER') : this.#problem;
  }

  #back(at: number, token: string): string {
    this.#at = at;
    return token;
  }
}

/** One char per byte. */
function utf8(codePoint: number): string {
  if (codePoint < 0x80) return String.fromCharCode(codePoint);
  return Buffer.from(String.fromCodePoint(codePoint), 'utf8').latin1Slice();
}

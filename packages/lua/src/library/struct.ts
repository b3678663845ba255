/**
 * `struct`, as Roberto Ierusalimschy's library 0.2 in Redis: C structures in strings.
 *
 *   > < ! [n]   big endian, little endian, alignment (a power of two; 8 when not given)
 *   b B h H l L T i[n] I[n]   integers of 1, 2, 8, 8, n (4) bytes; capitals are unsigned
 *   f d   float, double          x   a zero byte          s   a string up to a zero
 *   c[n]  n (1) bytes; c0: all of the string, or as many as the number read before says
 *
 * Cost: linear in format and data; options are charged to the meter.
 */
import { badArgument, luaError } from '../errors.ts';
import { UNPACKED_VALUES_MAX } from '../limits.ts';
import { meter } from '../meter.ts';
import { toNumber } from '../operators.ts';
import { LuaTable } from '../table.ts';
import type { LuaResult, LuaValue } from '../values.ts';
import { checkArgument, numberArgument, optionalInteger, stringArgument } from './arguments.ts';

const ALIGNMENT_MAX = 8;
const INTEGER_BYTES_MAX = 32;
const INTEGER_MAX = 2 ** 31 - 1;
const RANGE = 2 ** 63;
const ZERO = 48;
const SIZES: Readonly<Record<string, number>> = {
  B: 1,
  b: 1,
  H: 2,
  h: 2,
  L: 8,
  l: 8,
  T: 8,
  f: 4,
  d: 8,
  x: 1,
};

const scratch = Buffer.alloc(INTEGER_BYTES_MAX);

/** Walks over a format, option by option. */
class Format {
  isLittle = true;
  option = '';
  size = 0;
  #align = 1;
  readonly #text: string;
  readonly #name: string;
  #at = 0;

  constructor(text: string, name: string) {
    this.#text = text;
    this.#name = name;
  }

  /** The next option and its size; false at the end. */
  advance(): boolean {
    const option = this.#text[this.#at];
    if (option === undefined || option === '\0') return false;
    meter.charge(1);
    this.#at++;
    this.option = option;
    this.size = this.#sizeOf(option);
    return true;
  }

  /** Bytes to leave out before the option, at this position. */
  padding(position: number): number {
    if (this.size === 0 || this.option === 'c') return 0;
    const size = Math.min(this.size, this.#align);
    return (size - (position & (size - 1))) & (size - 1);
  }

  /** For the options that stand for no value. */
  control(): void {
    switch (this.option) {
      case ' ':
        return;
      case '<':
        this.isLittle = true;
        return;
      case '>':
        this.isLittle = false;
        return;
      case '!':
        this.#setAlignment();
        return;
      default:
        throw badArgument(1, this.#name, `invalid format option '${this.option}'`);
    }
  }

  #setAlignment(): void {
    const align = this.#number(ALIGNMENT_MAX);
    if (align <= 0 || (align & (align - 1)) !== 0) {
      throw luaError(`alignment ${align} is not a power of 2`);
    }
    this.#align = align;
  }

  #sizeOf(option: string): number {
    if (option === 'c') return this.#number(1);
    if (option !== 'i' && option !== 'I') return SIZES[option] ?? 0;
    const size = this.#number(4);
    if (size <= INTEGER_BYTES_MAX) return size;
    throw luaError(`integral size ${size} is larger than limit of ${INTEGER_BYTES_MAX}`);
  }

  #number(otherwise: number): number {
    let code = this.#text.charCodeAt(this.#at);
    if (!(code >= ZERO && code <= ZERO + 9)) return otherwise;
    let number = 0;
    do {
      number = number * 10 + (code - ZERO);
      if (number > INTEGER_MAX) throw luaError('integral size overflow');
      this.#at++;
      code = this.#text.charCodeAt(this.#at);
    } while (code >= ZERO && code <= ZERO + 9);
    return number;
  }
}

/** C's conversion to 64 unsigned bits on x86. */
function toUnsigned(value: number): bigint {
  if (Number.isNaN(value) || value < -RANGE) return BigInt(RANGE);
  if (value >= 2 * RANGE) return 0n;
  return BigInt.asUintN(64, BigInt(Math.trunc(value)));
}

function packInteger(value: number, format: Format): string {
  const { size, isLittle } = format;
  let bits = toUnsigned(value);
  for (let at = 0; at < size; at++) {
    scratch[isLittle ? at : size - 1 - at] = Number(bits & 0xffn);
    bits >>= 8n;
  }
  return scratch.latin1Slice(0, size);
}

function packFloat(value: number, format: Format): string {
  if (format.option === 'f') {
    if (format.isLittle) scratch.writeFloatLE(value);
    else scratch.writeFloatBE(value);
  } else if (format.isLittle) scratch.writeDoubleLE(value);
  else scratch.writeDoubleBE(value);
  // As 0/0 is on x86.
  if (Number.isNaN(value)) scratch[format.isLittle ? format.size - 1 : 0] = 0xff;
  return scratch.latin1Slice(0, format.size);
}

function pack(...args: LuaValue[]): LuaResult {
  const format = new Format(stringArgument(args, 1, 'pack'), 'pack');
  // A value that is missing is nil in messages.
  args.push(undefined);
  let text = '';
  let number = 2;
  while (format.advance()) {
    text += '\0'.repeat(format.padding(text.length));
    switch (format.option) {
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'T':
      case 'i':
      case 'I':
        text += packInteger(numberArgument(args, number++, 'pack'), format);
        break;
      case 'x':
        text += '\0';
        break;
      case 'f':
      case 'd':
        text += packFloat(numberArgument(args, number++, 'pack'), format);
        break;
      case 'c':
      case 's': {
        const value = stringArgument(args, number++, 'pack');
        const size = format.size === 0 ? value.length : format.size;
        checkArgument(value.length >= size, number, 'pack', 'string too short');
        text += value.slice(0, size);
        if (format.option === 's') text += '\0';
        meter.chargeString(text.length);
        break;
      }
      default:
        format.control();
    }
  }
  meter.chargeString(text.length);
  return text;
}

function unpackInteger(data: string, position: number, format: Format): number {
  const { size, isLittle } = format;
  let bits = 0n;
  // The lowest 64 bits count; further bytes are shifted out.
  for (let at = 0; at < size; at++) {
    const from = isLittle ? size - 1 - at : at;
    bits = BigInt.asUintN(64, (bits << 8n) | BigInt(data.charCodeAt(position + from)));
  }
  if (format.option < 'a') return Number(bits);
  const mask = BigInt.asUintN(64, ~0n << BigInt((size * 8 - 1) & 63));
  if ((bits & mask) !== 0n) bits |= mask;
  return Number(BigInt.asIntN(64, bits));
}

function unpackFloat(data: string, position: number, format: Format): number {
  for (let at = 0; at < format.size; at++) scratch[at] = data.charCodeAt(position + at);
  if (format.option === 'f') return format.isLittle ? scratch.readFloatLE() : scratch.readFloatBE();
  return format.isLittle ? scratch.readDoubleLE() : scratch.readDoubleBE();
}

/** Data, and where reading is. */
interface Cursor {
  readonly data: string;
  position: number;
}

/** Puts one option's value behind `values`. */
function unpackOption(format: Format, cursor: Cursor, values: LuaValue[]): void {
  const { data, position } = cursor;
  cursor.position += format.size;
  switch (format.option) {
    case 'b':
    case 'B':
    case 'h':
    case 'H':
    case 'l':
    case 'L':
    case 'T':
    case 'i':
    case 'I':
      values.push(unpackInteger(data, position, format));
      return;
    case 'x':
      return;
    case 'f':
    case 'd':
      values.push(unpackFloat(data, position, format));
      return;
    case 'c': {
      const size = format.size === 0 ? previousSize(values) : format.size;
      checkArgument(position + size <= data.length, 2, 'unpack', 'data string too short');
      values.push(data.slice(position, position + size));
      cursor.position = position + size;
      return;
    }
    case 's': {
      const end = data.indexOf('\0', position);
      if (end < 0) throw luaError('unfinished string in data');
      values.push(data.slice(position, end));
      cursor.position = end + 1;
      return;
    }
    default:
      format.control();
  }
}

/** For `c0`; takes the number away. */
function previousSize(values: LuaValue[]): number {
  const size = toNumber(values.at(-1));
  if (size === undefined) throw luaError("format 'c0' needs a previous size");
  values.pop();
  return Number(toUnsigned(size));
}

function unpack(...args: LuaValue[]): LuaResult {
  const format = new Format(stringArgument(args, 1, 'unpack'), 'unpack');
  const data = stringArgument(args, 2, 'unpack');
  const start = optionalInteger(args, 3, 'unpack', 1);
  checkArgument(start !== 0, 3, 'unpack', 'offset must be 1 or greater');
  const cursor = { data, position: start - 1 };
  const values: LuaValue[] = [];
  while (format.advance()) {
    cursor.position += format.padding(cursor.position);
    const fits = cursor.position >= 0 && cursor.position + format.size <= data.length;
    checkArgument(fits, 2, 'unpack', 'data string too short');
    if (values.length + args.length + 2 > UNPACKED_VALUES_MAX)
      throw luaError('stack overflow (too many results)');
    unpackOption(format, cursor, values);
  }
  values.push(cursor.position + 1);
  return values;
}

function size(...args: LuaValue[]): LuaResult {
  const format = new Format(stringArgument(args, 1, 'size'), 'size');
  let position = 0;
  while (format.advance()) {
    position += format.padding(position);
    const { option } = format;
    const isEndless = option === 's' || (option === 'c' && format.size === 0);
    const name = option === 's' ? 's' : 'c0';
    checkArgument(!isEndless, 1, 'size', `option '${name}' has no fixed size`);
    if (!/[A-Za-z0-9]/.test(option)) format.control();
    position += format.size;
  }
  return position;
}

/** A new table `struct`. */
export function structLibrary(): LuaTable {
  return LuaTable.of([
    ['pack', pack],
    ['size', size],
    ['unpack', unpack],
  ]);
}

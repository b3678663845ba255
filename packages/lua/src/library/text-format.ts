/**
 * `string.format`: C's printf as Lua 5.1 uses it.
 *
 * JavaScript's toFixed and toExponential round exact halves up, C rounds them to even. A half can
 * only occur when the value times a power of two is whole; then BigInts decide.
 */
import { badArgument, LuaError, luaError } from '../errors.ts';
import { BYTES_PER_STEP, STRING_BYTES_MAX } from '../limits.ts';
import { meter } from '../meter.ts';
import type { LuaValue } from '../values.ts';
import { numberArgument, stringArgument, truncate } from './arguments.ts';

const NAME = 'format';
const WHOLE_STRING_BYTES = 100;
const PIECE_BYTES = 65_536;
const FIXED_NOTATION_MAX = 1e21;
const DEFAULT_PRECISION = 6;
const DIRECTIVE = /^([-+ #0]*)(\d{0,2})(?:(\.)(\d{0,2}))?/;
const FLAGS_MAX = 5;
const WORD = 2n ** 64n;

interface Directive {
  readonly flags: string;
  readonly width: number;
  /** Undefined when there is no point. */
  readonly precision: number | undefined;
}

/** `args[0]` is the format. */
export function formatText(args: readonly LuaValue[]): string {
  const format = stringArgument(args, 1, NAME);
  let text = '';
  let number = 1;
  let at = 0;
  for (;;) {
    const percent = format.indexOf('%', at);
    if (percent < 0) return text + format.slice(at);
    text += format.slice(at, percent);
    at = percent + 1;
    if (format[at] === '%') {
      text += '%';
      at++;
      continue;
    }
    number++;
    if (number > args.length) throw badArgument(number, NAME, 'no value');
    const { directive, length } = readDirective(format.slice(at, at + 16));
    at += length;
    text += convert(format[at] ?? '', directive, args, number);
    at++;
  }
}

function readDirective(text: string): { directive: Directive; length: number } {
  const [all, flags, width, point, precision] = DIRECTIVE.exec(text)!;
  if (flags!.length > FLAGS_MAX) throw luaError('invalid format (repeated flags)');
  if (/\d/.test(text[all.length] ?? '')) {
    throw luaError('invalid format (width or precision too long)');
  }
  const directive: Directive = {
    flags: flags!,
    width: Number(width),
    precision: point === undefined ? undefined : Number(precision),
  };
  return { directive, length: all.length };
}

function convert(
  option: string,
  directive: Directive,
  args: readonly LuaValue[],
  number: number,
): string {
  switch (option) {
    case 'c':
      return character(numberArgument(args, number, NAME), directive);
    case 'd':
    case 'i':
      return signedInteger(numberArgument(args, number, NAME), directive);
    case 'o':
    case 'u':
    case 'x':
    case 'X':
      return unsignedInteger(numberArgument(args, number, NAME), option, directive);
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
      return float(numberArgument(args, number, NAME), option, directive);
    case 'q':
      return quoted(stringArgument(args, number, NAME));
    case 's':
      return string(stringArgument(args, number, NAME), directive);
    default:
      throw luaError(`invalid option '%${option === '\0' ? '' : option}' to 'format'`);
  }
}

/** Spaces up to the width, at the side that `-` names. */
function pad(text: string, directive: Directive): string {
  if (text.length >= directive.width) return text;
  return directive.flags.includes('-')
    ? text.padEnd(directive.width)
    : text.padStart(directive.width);
}

/** As `pad`, but with zeros behind the sign when asked for. */
function padNumber(sign: string, digits: string, directive: Directive, zeros: boolean): string {
  const { flags, width } = directive;
  if (zeros && flags.includes('0') && !flags.includes('-')) {
    return sign + digits.padStart(width - sign.length, '0');
  }
  return pad(sign + digits, directive);
}

function signOf(isNegative: boolean, flags: string): string {
  if (isNegative) return '-';
  if (flags.includes('+')) return '+';
  return flags.includes(' ') ? ' ' : '';
}

/** What follows a NUL is lost, as it is in C. */
function character(value: number, directive: Directive): string {
  const code = truncate(value) & 0xff;
  const text = pad(String.fromCharCode(code), directive);
  return code === 0 ? text.slice(0, text.indexOf('\0')) : text;
}

function string(text: string, directive: Directive): string {
  if (directive.precision === undefined && text.length >= WHOLE_STRING_BYTES) return text;
  const end = text.indexOf('\0');
  const whole = end < 0 ? text : text.slice(0, end);
  return pad(whole.slice(0, directive.precision), directive);
}

function quoted(text: string): string {
  const escaped = (special: string): string => {
    if (special === '\r') return '\\r';
    return special === '\0' ? '\\000' : `\\${special}`;
  };
  let result = '"';
  // By pieces: V8 remembers all matches of a `replace` until its end.
  for (let at = 0; at < text.length; at += PIECE_BYTES) {
    result += text.slice(at, at + PIECE_BYTES).replace(/["\\\n\r\0]/g, escaped);
    meter.charge(PIECE_BYTES / BYTES_PER_STEP);
    if (result.length > STRING_BYTES_MAX) throw new LuaError('not enough memory');
  }
  return `${result}"`;
}

function withPrecision(digits: string, precision: number | undefined): string {
  if (precision === undefined) return digits;
  return precision === 0 && digits === '0' ? '' : digits.padStart(precision, '0');
}

function signedInteger(value: number, directive: Directive): string {
  const integer = truncate(value);
  const digits = Number.isSafeInteger(integer)
    ? String(Math.abs(integer))
    : String(BigInt(integer)).replace('-', '');
  const sign = signOf(integer < 0, directive.flags);
  const { precision } = directive;
  return padNumber(sign, withPrecision(digits, precision), directive, precision === undefined);
}

/** The 64 bits that C makes of a double: negative numbers wrap, what is too large is 0. */
function toUnsigned(value: number): bigint {
  if (Number.isNaN(value) || value < -(2 ** 63)) return WORD / 2n;
  if (value >= 2 ** 64) return 0n;
  return BigInt.asUintN(64, BigInt(Math.trunc(value)));
}

function unsignedInteger(value: number, option: string, directive: Directive): string {
  const { precision, flags } = directive;
  const integer = toUnsigned(value);
  const radix = option === 'u' ? 10 : option === 'o' ? 8 : 16;
  let digits = withPrecision(integer.toString(radix), precision);
  let prefix = '';
  if (flags.includes('#')) {
    if (option === 'o' && !digits.startsWith('0')) digits = `0${digits}`;
    if (radix === 16 && integer !== 0n) prefix = '0x';
  }
  const text = padNumber(prefix, digits, directive, precision === undefined);
  return option === 'X' ? text.toUpperCase() : text;
}

function float(value: number, option: string, directive: Directive): string {
  const lower = option.toLowerCase();
  const isNegative = value < 0 || Object.is(value, -0) || Number.isNaN(value);
  const sign = signOf(isNegative, directive.flags);
  const text = Number.isFinite(value)
    ? padNumber(sign, floatDigits(Math.abs(value), lower, directive), directive, true)
    : pad(sign + (Number.isNaN(value) ? 'nan' : 'inf'), directive);
  return lower === option ? text : text.toUpperCase();
}

function floatDigits(value: number, option: string, directive: Directive): string {
  const precision = directive.precision ?? DEFAULT_PRECISION;
  const keepsPoint = directive.flags.includes('#');
  if (option === 'f') return withPoint(fixedDigits(value, precision), keepsPoint);
  if (option === 'e') return scientific(value, precision, keepsPoint);
  return generalDigits(value, Math.max(precision, 1), keepsPoint);
}

function generalDigits(value: number, digits: number, keepsZeros: boolean): string {
  const { exponent } = scientificParts(value, digits - 1);
  const isFixed = exponent >= -4 && exponent < digits;
  const text = isFixed
    ? withPoint(fixedDigits(value, digits - 1 - exponent), keepsZeros)
    : scientific(value, digits - 1, keepsZeros);
  return keepsZeros ? text : text.replace(/(\.\d*?)0+(?=e|$)/, '$1').replace(/\.(?=e|$)/, '');
}

function withPoint(digits: string, keepsPoint: boolean): string {
  return keepsPoint && !digits.includes('.') ? `${digits}.` : digits;
}

function scientific(value: number, precision: number, keepsPoint: boolean): string {
  const { mantissa, exponent } = scientificParts(value, precision);
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${withPoint(mantissa, keepsPoint)}e${exponent < 0 ? '-' : '+'}${size}`;
}

/** True when a half may have to be rounded at so many digits behind the point. */
function mayBeHalf(value: number, places: number): boolean {
  return !Number.isInteger(value) && Number.isInteger(value * 2 ** (places + 1));
}

/** C's `%.<places>f` of a finite number that is not negative. */
function fixedDigits(value: number, places: number): string {
  if (value >= FIXED_NOTATION_MAX) {
    return places === 0 ? String(BigInt(value)) : `${BigInt(value)}.${'0'.repeat(places)}`;
  }
  if (!mayBeHalf(value, places)) return value.toFixed(places);
  const digits = String(roundedHalfEven(value, places)).padStart(places + 1, '0');
  if (places === 0) return digits;
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** The value times 10^places, exactly, rounded to a whole number. */
function roundedHalfEven(value: number, places: number): bigint {
  const bits = places + 1;
  const doubled = BigInt(value * 2 ** bits) * (places >= 0 ? 5n ** BigInt(places) : 1n);
  const whole = doubled >> 1n;
  return (doubled & 1n) === 1n && (whole & 1n) === 1n ? whole + 1n : whole;
}

function scientificParts(value: number, precision: number) {
  const text = value.toExponential(precision);
  const at = text.indexOf('e');
  const exponent = Number(text.slice(at + 1));
  const mantissa = text.slice(0, at);
  return halfDown(value, precision, exponent, mantissa) ?? { mantissa, exponent };
}

/** JavaScript rounded a half up to an odd digit: the even one is one less. */
function halfDown(value: number, precision: number, exponent: number, mantissa: string) {
  const places = precision - exponent;
  if (places >= 0 ? !mayBeHalf(value, places) : !Number.isInteger(value)) return undefined;
  const last = mantissa.charCodeAt(mantissa.length - 1) & 1;
  if (last === 0) return undefined;
  const digits = BigInt(mantissa.replace('.', ''));
  if (!isHalfBelow(value, digits, places)) return undefined;
  const even = String(digits - 1n);
  return { mantissa: precision === 0 ? even : `${even[0]}.${even.slice(1)}`, exponent };
}

/** Whether value × 10^places is exactly digits − ½. */
function isHalfBelow(value: number, digits: bigint, places: number): boolean {
  const half = 2n * digits - 1n;
  if (places < 0) return 2n * BigInt(value) === half * 10n ** BigInt(-places);
  return BigInt(value * 2 ** (places + 1)) * 5n ** BigInt(places) === half;
}

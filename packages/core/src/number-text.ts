/**
 * Numbers in the text forms of Redis: strict 64-bit integers out of bytes, doubles in and out.
 *
 * Integers within ±2^53 stay JavaScript numbers; `parseInteger` answers NaN for anything else and
 * the caller takes the bigint way (`parseBigInteger`). Strict means Redis's string2ll: no spaces,
 * no plus sign, no leading zeros, no "-0".
 */
import type { Block } from '@hashlane/resp';

export const INT64_MAX = 9223372036854775807n;
export const INT64_MIN = -9223372036854775808n;
const UINT64_MAX = 18446744073709551615n;

/** Value of a canonical decimal integer of at most 15 digits, or NaN. */
export function parseInteger(block: Block, offset: number, length: number): number {
  const { bytes } = block;
  if (length <= 0 || length > 16) return Number.NaN;
  let at = offset | 0;
  const end = (offset + length) | 0;
  const isNegative = bytes[at] === 45;
  if (isNegative) {
    at = (at + 1) | 0;
    if (at === end) return Number.NaN;
  }
  if (end - at > 15) return Number.NaN;
  const first = bytes[at];
  if (first === 48) return length === 1 ? 0 : Number.NaN;
  let value = 0;
  for (; at < end; at = (at + 1) | 0) {
    const digit = bytes[at] - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return isNegative ? -value : value;
}

const INF = 0x666e69;

/**
 * Value of a float that is an integer of up to 16 digits and within ±2^53, or `inf` with or without a
 * sign: the scores of queues. NaN for anything else, which `parseFloatText` may know.
 */
export function parsePlainFloat(block: Block, offset: number, length: number): number {
  const { bytes } = block;
  let at = offset | 0;
  const end = (offset + length) | 0;
  const sign = bytes[at];
  if (length > 0 && (sign === 45 || sign === 43)) at = (at + 1) | 0;
  const digits = (end - at) | 0;
  if (digits <= 0 || digits > 16) return Number.NaN;
  if (digits === 3 && (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)) === INF) {
    return sign === 45 ? -Infinity : Infinity;
  }
  let value = 0;
  for (; at < end; at = (at + 1) | 0) {
    const digit = bytes[at] - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  if (value > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return sign === 45 ? -value : value;
}

/** Value of any canonical signed 64-bit decimal integer, or undefined. */
export function parseBigInteger(text: string): bigint | undefined {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value > INT64_MAX || value < INT64_MIN ? undefined : value;
}

/**
 * Value of a cursor as strtoul reads it, or undefined when it is none: it ends at a zero byte, may
 * begin with a sign and zeros, and nothing at all is 0. Long digits are not converted: that takes
 * more than linear time.
 */
export function parseCursor(text: string): bigint | undefined {
  const nul = text.indexOf('\0');
  const match = /^([+-]?)(0*)([0-9]{0,20})$/.exec(nul < 0 ? text : text.slice(0, nul));
  if (match === null) return undefined;
  const [, sign, zeros, digits] = match;
  if (sign !== '' && zeros === '' && digits === '') return undefined;
  const value = BigInt(digits);
  if (value > UINT64_MAX) return undefined;
  return sign === '-' ? BigInt.asUintN(64, -value) : value;
}

/** True when the bytes are what Redis stores as the `int` encoding. */
export function isIntegerText(block: Block, offset: number, length: number): boolean {
  if (length === 0 || length > 20) return false;
  const first = block.bytes[offset];
  if (first !== 45 && (first < 48 || first > 57)) return false;
  if (!Number.isNaN(parseInteger(block, offset, length))) return true;
  return parseBigInteger(block.bytes.latin1Slice(offset, offset + length)) !== undefined;
}

/**
 * Value of a decimal or exponent float, `inf`, `infinity` or hexadecimal as strtod reads it, or
 * NaN when the text is not wholly a number (a literal "nan" is not accepted, as in Redis).
 */
export function parseFloatText(text: string): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return Number(text);
  const infinity = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinity !== null) return infinity[1] === '-' ? -Infinity : Infinity;
  return parseHexFloat(text);
}

/** Hexadecimal float as C99 has it (`0x1.8p-3`), or NaN. */
function parseHexFloat(text: string): number {
  const hex = /^([+-]?)0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/i.exec(text);
  if (hex === null) return Number.NaN;
  const [, sign, whole, fraction = '', exponent = '0'] = hex;
  if (whole === '' && fraction === '') return Number.NaN;
  const value =
    Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === '-' ? -value : value;
}

/** A double with 17 significant digits, as printf("%.17g") and Redis's RESP2 doubles. */
export function formatDouble17(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0';
  if (Number.isInteger(value) && Math.abs(value) < 1e17) return String(BigInt(value));
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e16) {
    const text = value.toPrecision(17);
    if (!isHalfway(value, text)) return text.replace(/\.?0+$/, '');
  }
  const [mantissa, exponent] = significantDigits(value);
  const power = Number(exponent);
  if (power < -4 || power >= 17) {
    const digits = mantissa.replace(/\.?0+$/, '');
    const exponentDigits = String(Math.abs(power)).padStart(2, '0');
    return `${digits}e${power < 0 ? '-' : '+'}${exponentDigits}`;
  }
  return placePoint(mantissa, power).replace(/\.?0+$/, '');
}

/**
 * True when a number may lie exactly between two of 17 digits, `text` being one of them: when all of
 * its digits are one more. It has as many decimals as bits behind the point.
 */
function isHalfway(value: number, text: string): boolean {
  const point = text.indexOf('.');
  const sign = value < 0 ? 1 : 0;
  let power = point - sign - 1;
  if (Math.abs(value) < 1) for (power = -1; text.charCodeAt(point - power) === 48; ) power--;
  return Number.isInteger(value * 2 ** (17 - power));
}

/**
 * Mantissa of 17 digits and exponent, ties to the even digit as C has it: toExponential rounds
 * 2.98023223876953125e-8 (2^-25) up, printf down.
 */
function significantDigits(value: number): string[] {
  const rounded = value.toExponential(16).split('e');
  const [exact] = value.toExponential(60).split('e');
  const point = exact.indexOf('.');
  const isTie = /^50*$/.test(exact.slice(point + 17));
  const isOdd = (exact.charCodeAt(point + 16) & 1) === 1;
  if (isTie && !isOdd) rounded[0] = exact.slice(0, point + 17);
  return rounded;
}

/** `d.ddd` times ten to `power` (−4 … 16) without an exponent. */
function placePoint(mantissa: string, power: number): string {
  const sign = mantissa[0] === '-' ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '');
  if (power < 0) return `${sign}0.${'0'.repeat(-power - 1)}${digits}`;
  return `${sign}${digits.slice(0, power + 1)}.${digits.slice(power + 1)}`;
}

/**
 * A double with `digits` digits behind the point, as printf("%.nf"): exact, ties to the even digit,
 * where toFixed rounds up and knows no number of 22 digits.
 */
export function formatFixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}.${'0'.repeat(digits)}`;
  if (value < 0 || Object.is(value, -0)) return `-${formatFixed(-value, digits)}`;
  // Only an odd multiple of 2^-(digits + 1) lies in the middle of two numbers of so many digits.
  const isTie = Math.abs((value * 2 ** (digits + 1)) % 2) === 1;
  if (!isTie) return value.toFixed(digits);
  const exact = value.toFixed(digits + 1);
  const isEven = (exact.charCodeAt(exact.length - 2) & 1) === 0;
  return isEven ? exact.slice(0, -1) : value.toFixed(digits);
}

/**
 * The long double arithmetic of INCRBYFLOAT and HINCRBYFLOAT, to the last bit.
 *
 * Redis adds with C's `long double`, on x86-64 the 80-bit extended format: 64 bits of mantissa,
 * exponents −16445 … 16383. JavaScript has doubles only, whose sums differ in the digits that
 * Redis prints (0.1 + 0.2 is 0.3 there). So a value is kept as mantissa × 2^exponent with a bigint
 * mantissa; reading text, adding and printing are exact, and each is rounded once, half to even,
 * as the processor and glibc do.
 *
 * Text in: what strtold reads, as far as Redis lets it pass (no spaces, not "nan", in range).
 * Text out: `%.17Lf` without trailing zeros. Costs microseconds; there is no hot path through here.
 */
import { parseFloatText } from './number-text.ts';

export interface LongDouble {
  /** Absolute value is mantissa × 2^exponent, with a mantissa of at most 65 bits. */
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly isNegative: boolean;
  readonly isInfinite: boolean;
}

const MANTISSA_BITS = 64;
const EXPONENT_MIN = -16445;
/** Values of 2^EXPONENT_MAX and more are infinite. */
const EXPONENT_MAX = 16384;
/** Decimal exponents beyond this are out of range whatever the digits (which are at most 5,119). */
const DECIMAL_EXPONENT_MAX = 12_000;
/** Redis reads numbers of fewer characters than this. */
const TEXT_LENGTH_MAX = 5 * 1024;

const DECIMAL = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([\da-fA-F]*)\.?([\da-fA-F]*)(?:[pP]([+-]?\d+))?$/;
const INFINITY = /^([+-]?)inf(?:inity)?$/i;

/** Number in `text`, or undefined when Redis answers "value is not a valid float". */
export function parseLongDouble(text: string): LongDouble | undefined {
  if (text.length >= TEXT_LENGTH_MAX) return undefined;
  const infinity = INFINITY.exec(text);
  if (infinity !== null) return infinite(infinity[1] === '-');
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) return fromDigits(decimal, '', 10);
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal !== null) return fromDigits(hexadecimal, '0x', 16);
  return undefined;
}

/**
 * Seconds of a time-out, or NaN where Redis finds no long double in the text. Beyond the range of
 * doubles the value is infinite.
 */
export function parseSeconds(text: string): number {
  if (text.length >= TEXT_LENGTH_MAX) return Number.NaN;
  const value = parseFloatText(text);
  const isAtBorder = value === 0 || Math.abs(value) === Infinity;
  return isAtBorder && parseLongDouble(text) === undefined ? Number.NaN : value;
}

/** Builds a number from a match: sign, whole digits, fraction digits, exponent. */
function fromDigits(match: RegExpExecArray, prefix: string, base: number): LongDouble | undefined {
  const [, sign, whole, fraction, power] = match;
  const digits = whole + fraction;
  if (digits === '') return undefined;
  const isNegative = sign === '-';
  const integer = BigInt(prefix + digits);
  if (integer === 0n) return { mantissa: 0n, exponent: 0, isNegative, isInfinite: false };
  const exponent = Number(power ?? 0) - fraction.length * (base === 16 ? 4 : 1);
  const limit = base === 16 ? DECIMAL_EXPONENT_MAX * 4 : DECIMAL_EXPONENT_MAX;
  if (Math.abs(exponent) > limit) return undefined;
  const scale = (base === 16 ? 2n : 10n) ** BigInt(Math.abs(exponent));
  const value =
    exponent < 0
      ? roundRatio(integer, scale, isNegative)
      : roundRatio(integer * scale, 1n, isNegative);
  // Out of range either way: ERANGE.
  return value.isInfinite || value.mantissa === 0n ? undefined : value;
}

/** Sum, rounded; undefined when it is infinite or not a number. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble | undefined {
  if (a.isInfinite || b.isInfinite) return undefined;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = signed(a, exponent) + signed(b, exponent);
  const isNegative = sum < 0n;
  const value = round(isNegative ? -sum : sum, exponent, false, isNegative);
  return value.isInfinite ? undefined : value;
}

/** A finite value as `%.17Lf` without trailing zeros (and without the sign of a zero). */
export function formatLongDouble(value: LongDouble): string {
  const scaled = value.mantissa * 10n ** 17n;
  const units =
    value.exponent >= 0
      ? scaled << BigInt(value.exponent)
      : shiftHalfEven(scaled, -value.exponent, false);
  if (units === 0n) return '0';
  const digits = units.toString().padStart(18, '0');
  const fraction = digits.slice(-17).replace(/0+$/, '');
  const whole = digits.slice(0, -17);
  return `${value.isNegative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

function infinite(isNegative: boolean): LongDouble {
  return { mantissa: 0n, exponent: 0, isNegative, isInfinite: true };
}

function signed(value: LongDouble, exponent: number): bigint {
  const shifted = value.mantissa << BigInt(value.exponent - exponent);
  return value.isNegative ? -shifted : shifted;
}

function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const digits = value.toString(16);
  return digits.length * 4 - Math.clz32(Number.parseInt(digits[0], 16)) + 28;
}

function roundRatio(numerator: bigint, denominator: bigint, isNegative: boolean): LongDouble {
  // Two bits more than the mantissa, and what is left over decides ties.
  const shift = MANTISSA_BITS + 2 - bitLength(numerator) + bitLength(denominator);
  const dividend = shift > 0 ? numerator << BigInt(shift) : numerator;
  const divisor = shift < 0 ? denominator << BigInt(-shift) : denominator;
  const quotient = dividend / divisor;
  return round(quotient, -shift, quotient * divisor !== dividend, isNegative);
}

/** `isInexact`: the true value is a little more than mantissa × 2^exponent. */
function round(
  mantissa: bigint,
  exponent: number,
  isInexact: boolean,
  isNegative: boolean,
): LongDouble {
  const drop = Math.max(bitLength(mantissa) - MANTISSA_BITS, EXPONENT_MIN - exponent, 0);
  const kept = shiftHalfEven(mantissa, drop, isInexact);
  if (kept !== 0n && bitLength(kept) + exponent + drop > EXPONENT_MAX) return infinite(isNegative);
  return { mantissa: kept, exponent: exponent + drop, isNegative, isInfinite: false };
}

/** value / 2^bits, rounded half to even. */
function shiftHalfEven(value: bigint, bits: number, isInexact: boolean): bigint {
  if (bits === 0) return value;
  const kept = value >> BigInt(bits);
  const rest = value - (kept << BigInt(bits));
  const half = 1n << BigInt(bits - 1);
  const isUp = rest > half || (rest === half && (isInexact || (kept & 1n) === 1n));
  return isUp ? kept + 1n : kept;
}

/**
 * Numbers to text and back, as Lua 5.1 does it: `%.14g` one way, C's strtod the other.
 *
 * Cost: up to 14 digits take JavaScript's own conversion, everything else one or two to as many
 * digits as asked for.
 */

/** A decimal of so many digits is the only one that is so near to its double, if it is normal. */
const UNIQUE_DIGITS = 14;
const NORMAL_MIN = 2 ** -1022;
const TEXT_LENGTH_MAX = UNIQUE_DIGITS + 1;

/** `%.14g`, which `tostring` and `..` use. A NaN is `-nan`: what 0/0 prints on x86. */
export function numberToText(value: number): string {
  if (Number.isSafeInteger(value) && value < 1e14 && value > -1e14) {
    return value === 0 && Object.is(value, -0) ? '-0' : String(value);
  }
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e14) {
    // JavaScript's text is the shortest that stands for the value, with a point here.
    const text = String(value);
    if (text.length <= TEXT_LENGTH_MAX) return text;
  }
  return formatGeneral(value, UNIQUE_DIGITS);
}

/** C's `%.<precision>g`. */
export function formatGeneral(value: number, precision: number): string {
  if (Number.isNaN(value)) return '-nan';
  if (value === Number.POSITIVE_INFINITY) return 'inf';
  if (value === Number.NEGATIVE_INFINITY) return '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const digits = Math.max(precision, 1);
  const scientific = roundedHalfEven(value, digits);
  const at = scientific.indexOf('e');
  const exponent = Number(scientific.slice(at + 1));
  if (exponent < -4 || exponent >= digits) {
    const mantissa = trimZeros(scientific.slice(0, at));
    const size = Math.abs(exponent);
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${size < 10 ? '0' : ''}${size}`;
  }
  return trimZeros(shifted(scientific.slice(0, at), exponent));
}

/**
 * toExponential, but a value exactly between two texts goes to the even digit, as in C. Twenty more
 * digits tell: a double that is not exactly between differs earlier.
 */
function roundedHalfEven(value: number, digits: number): string {
  if (digits <= UNIQUE_DIGITS && Math.abs(value) >= NORMAL_MIN) {
    const shortest = value.toExponential();
    const end = shortest.indexOf('e');
    const count = end - (value < 0 ? 1 : 0) - (shortest.includes('.') ? 1 : 0);
    if (count <= digits) return shortest;
    const mayBeHalf = count === digits + 1 && shortest[end - 1] === '5';
    if (!mayBeHalf) return value.toExponential(digits - 1);
  }
  const rounded = value.toExponential(digits - 1);
  const exact = value.toExponential(Math.min(digits + 19, 100));
  const at = exact.indexOf('.') + digits;
  if (!/^50*e/.test(exact.slice(at))) return rounded;
  const isEven = Number(exact[at - 1] === '.' ? exact[at - 2] : exact[at - 1]) % 2 === 0;
  const mantissa = exact.slice(0, digits === 1 ? at - 1 : at);
  return isEven ? mantissa + exact.slice(exact.indexOf('e')) : rounded;
}

/** `-1.25`, 1 → `-12.5`. */
function shifted(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const point = exponent + 1;
  if (point >= digits.length) return sign + digits.padEnd(point, '0');
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

function trimZeros(text: string): string {
  if (!text.includes('.')) return text;
  let end = text.length;
  while (text.charCodeAt(end - 1) === 48) end--;
  if (text.charCodeAt(end - 1) === 46) end--;
  return text.slice(0, end);
}

const DECIMAL = /^[ \t\n\v\f\r]*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?[ \t\n\v\f\r]*$/i;
const HEXADECIMAL =
  /^[ \t\n\v\f\r]*([-+]?)0x([\da-f]+\.?[\da-f]*|\.[\da-f]+)(p[-+]?\d+)?[ \t\n\v\f\r]*$/i;
const SPECIAL = /^[ \t\n\v\f\r]*([-+]?)(inf|infinity|nan(\(\w*\))?)[ \t\n\v\f\r]*$/i;
const SPACE = 32;
const NINE = 57;

/** The number a string stands for, or undefined. */
export function textToNumber(text: string): number | undefined {
  const code = text.charCodeAt(0);
  if (!(code >= 0)) return undefined;
  if (DECIMAL.test(text)) return Number(text.trim());
  if (code > NINE && code !== 73 && code !== 105 && code !== 78 && code !== 110) return undefined;
  if (code > SPACE || code === SPACE || code >= 9) return hexadecimal(text) ?? special(text);
  return undefined;
}

function hexadecimal(text: string): number | undefined {
  const match = HEXADECIMAL.exec(text);
  if (match === null) return undefined;
  const [whole = '', fraction = ''] = match[2]!.split('.');
  let value = 0;
  for (const digit of whole + fraction) value = value * 16 + Number.parseInt(digit, 16);
  const exponent = Number(match[3]?.slice(1) ?? 0) - 4 * fraction.length;
  return (match[1] === '-' ? -value : value) * 2 ** exponent;
}

function special(text: string): number | undefined {
  const match = SPECIAL.exec(text);
  if (match === null) return undefined;
  if (match[2]!.toLowerCase().startsWith('nan')) return Number.NaN;
  return match[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

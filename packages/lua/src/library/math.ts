/**
 * Lua 5.1's `math`, with the random numbers of Redis: a generator of 48 bits (POSIX lrand48) that
 * starts as lrand48 does without a seed, and goes on from script to script.
 */
import { luaError } from '../errors.ts';
import { LuaTable } from '../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../values.ts';
import { checkArgument, intArgument, numberArgument } from './arguments.ts';

const MULTIPLIER = 0x5deece66dn;
const INCREMENT = 0xbn;
const LOW_SEED_BITS = 0x330en;
const FIRST_STATE = 0x1234abcd330en;
const RANDOM_MAX = 2 ** 31 - 1;
const EXPONENT_STEP = 1000;

/** Random numbers of scripts. */
export class ScriptRandom {
  #state = FIRST_STATE;

  seed(value: number): void {
    this.#state = (BigInt(value >>> 0) << 16n) | LOW_SEED_BITS;
  }

  /** At least 0 and below 1. */
  next(): number {
    this.#state = BigInt.asUintN(48, this.#state * MULTIPLIER + INCREMENT);
    return (Number(this.#state >> 17n) % RANDOM_MAX) / RANDOM_MAX;
  }
}

function unary(name: string, compute: (value: number) => number): LuaFunction {
  return (...args) => compute(numberArgument(args, 1, name));
}

function binary(name: string, compute: (left: number, right: number) => number): LuaFunction {
  return (...args) => {
    const left = numberArgument(args, 1, name);
    return compute(left, numberArgument(args, 2, name));
  };
}

/** The first stays when the other is NaN, and when it is NaN itself, as with the comparison in C. */
function choosing(name: string, isBetter: (value: number, best: number) => boolean): LuaFunction {
  return (...args) => {
    let best = numberArgument(args, 1, name);
    for (let number = 2; number <= args.length; number++) {
      const value = numberArgument(args, number, name);
      if (isBetter(value, best)) best = value;
    }
    return best;
  };
}

/** By steps, so that a power of two out of range does not spoil a result within it. */
function scale(value: number, exponent: number): number {
  let result = value;
  let left = Math.max(-2200, Math.min(2200, exponent));
  for (; left > EXPONENT_STEP; left -= EXPONENT_STEP) result *= 2 ** EXPONENT_STEP;
  for (; left < -EXPONENT_STEP; left += EXPONENT_STEP) result *= 2 ** -EXPONENT_STEP;
  return result * 2 ** left;
}

function frexp(...args: LuaValue[]): LuaResult {
  const value = numberArgument(args, 1, 'frexp');
  if (value === 0 || !Number.isFinite(value)) return [value, 0];
  let exponent = Math.max(-1023, Math.floor(Math.log2(Math.abs(value))) + 1);
  let mantissa = scale(value, -exponent);
  while (Math.abs(mantissa) < 0.5) {
    mantissa *= 2;
    exponent--;
  }
  while (Math.abs(mantissa) >= 1) {
    mantissa /= 2;
    exponent++;
  }
  return [mantissa, exponent];
}

function ldexp(...args: LuaValue[]): LuaResult {
  const value = numberArgument(args, 1, 'ldexp');
  return scale(value, intArgument(args, 2, 'ldexp'));
}

function modf(...args: LuaValue[]): LuaResult {
  const value = numberArgument(args, 1, 'modf');
  const whole = Math.trunc(value);
  const fraction = Number.isFinite(value) ? value - whole : Number.isNaN(value) ? value : 0;
  return [whole, fraction === 0 && (value < 0 || Object.is(value, -0)) ? -0 : fraction];
}

function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY)) return 1;
  return base ** exponent;
}

function randomOf(generator: ScriptRandom): LuaFunction {
  return (...args) => {
    const fraction = generator.next();
    if (args.length === 0) return fraction;
    if (args.length > 2) throw luaError('wrong number of arguments');
    const low = args.length === 1 ? 1 : intArgument(args, 1, 'random');
    const high = intArgument(args, args.length, 'random');
    checkArgument(low <= high, args.length, 'random', 'interval is empty');
    return Math.floor(fraction * (args.length === 1 ? high : (high - low + 1) | 0)) + low;
  };
}

function randomseedOf(generator: ScriptRandom): LuaFunction {
  return (...args) => {
    generator.seed(intArgument(args, 1, 'randomseed'));
    return [];
  };
}

const PLAIN = [
  ...(['abs', 'acos', 'asin', 'atan', 'ceil', 'cos', 'cosh', 'exp', 'floor'] as const),
  ...(['log', 'log10', 'sin', 'sinh', 'sqrt', 'tan', 'tanh'] as const),
] as const;

/** A new table `math` that draws from this generator. */
export function mathLibrary(generator: ScriptRandom): LuaTable {
  const fmod = binary('fmod', (left, right) => left % right);
  return LuaTable.of([
    ...PLAIN.map((name) => [name, unary(name, Math[name])] as const),
    ['atan2', binary('atan2', Math.atan2)],
    ['deg', unary('deg', (value) => value / (Math.PI / 180))],
    ['fmod', fmod],
    ['frexp', frexp],
    ['huge', Number.POSITIVE_INFINITY],
    ['ldexp', ldexp],
    ['max', choosing('max', (value, best) => value > best)],
    ['min', choosing('min', (value, best) => value < best)],
    ['mod', fmod],
    ['modf', modf],
    ['pi', Math.PI],
    ['pow', binary('pow', power)],
    ['rad', unary('rad', (value) => value * (Math.PI / 180))],
    ['random', randomOf(generator)],
    ['randomseed', randomseedOf(generator)],
  ]);
}

/**
 * The settings of one `cjson`, and the functions a script reads and changes them with. Without
 * arguments they change nothing; they give the values that hold now. The number that argument errors
 * name is 1 for a number out of range whichever it is, as lua-cjson has it.
 */
import { badArgument, wrongType } from '../errors.ts';
import type { LuaFunction, LuaValue } from '../values.ts';
import { intArgument, stringArgument } from './arguments.ts';

const INTEGER_MAX = 2 ** 31 - 1;
const PRECISION_MAX = 14;

/** What an encoder does with NaN and the infinities. */
export type InvalidNumbers = 'off' | 'on' | 'null';

export class JsonSettings {
  /** Whether excessively sparse arrays become objects; else they are errors. */
  sparseConvert = false;
  /** An array is sparse when its last index is above this times its elements; 0: never. */
  sparseRatio = 2;
  /** Up to this last index no array is sparse. */
  sparseSafe = 10;
  encodeDepthMax = 1000;
  decodeDepthMax = 1000;
  precision = 14;
  encodeInvalid: InvalidNumbers = 'off';
  decodeInvalid: boolean = true;
  /** Has no effect here. */
  keepBuffer: boolean = true;
}

type Arguments = readonly LuaValue[];

function checkCount(args: Arguments, max: number, name: string): void {
  if (args.length > max) throw badArgument(max + 1, name, 'found too many arguments');
}

function integerOption(
  args: Arguments,
  number: number,
  name: string,
  range: { readonly min: number; readonly max: number; readonly now: number },
): number {
  if (args[number - 1] === undefined) return range.now;
  const value = intArgument(args, number, name);
  if (value >= range.min && value <= range.max) return value;
  throw badArgument(1, name, `expected integer between ${range.min} and ${range.max}`);
}

function choice(args: Arguments, name: string, choices: readonly string[], now: string): string {
  const value = args[0];
  if (value === undefined) return now;
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'object' || typeof value === 'function') {
    throw wrongType(1, name, 'string', args);
  }
  const chosen = stringArgument(args, 1, name);
  if (!choices.includes(chosen)) throw badArgument(1, name, `invalid option '${chosen}'`);
  return chosen;
}

function switchOption(args: Arguments, name: string, now: boolean): boolean {
  return choice(args, name, ['off', 'on'], now ? 'on' : 'off') === 'on';
}

/** Name and function of each setting. */
export function settingFunctions(settings: JsonSettings): [string, LuaFunction][] {
  const functions: Record<string, (args: Arguments) => LuaValue | LuaValue[]> = {
    decode_invalid_numbers: (args) => {
      checkCount(args, 1, 'decode_invalid_numbers');
      settings.decodeInvalid = switchOption(args, 'decode_invalid_numbers', settings.decodeInvalid);
      return settings.decodeInvalid;
    },
    decode_max_depth: (args) => {
      checkCount(args, 1, 'decode_max_depth');
      const range = { min: 1, max: INTEGER_MAX, now: settings.decodeDepthMax };
      settings.decodeDepthMax = integerOption(args, 1, 'decode_max_depth', range);
      return settings.decodeDepthMax;
    },
    encode_invalid_numbers: (args) => {
      checkCount(args, 1, 'encode_invalid_numbers');
      const choices = ['off', 'on', 'null'];
      const now = choice(args, 'encode_invalid_numbers', choices, settings.encodeInvalid);
      settings.encodeInvalid = now as InvalidNumbers;
      return now === 'null' ? now : now === 'on';
    },
    encode_keep_buffer: (args) => {
      checkCount(args, 1, 'encode_keep_buffer');
      settings.keepBuffer = switchOption(args, 'encode_keep_buffer', settings.keepBuffer);
      return settings.keepBuffer;
    },
    encode_max_depth: (args) => {
      checkCount(args, 1, 'encode_max_depth');
      const range = { min: 1, max: INTEGER_MAX, now: settings.encodeDepthMax };
      settings.encodeDepthMax = integerOption(args, 1, 'encode_max_depth', range);
      return settings.encodeDepthMax;
    },
    encode_number_precision: (args) => {
      checkCount(args, 1, 'encode_number_precision');
      const range = { min: 1, max: PRECISION_MAX, now: settings.precision };
      settings.precision = integerOption(args, 1, 'encode_number_precision', range);
      return settings.precision;
    },
    encode_sparse_array: (args) => {
      const name = 'encode_sparse_array';
      checkCount(args, 3, name);
      settings.sparseConvert = switchOption(args, name, settings.sparseConvert);
      const ratio = { min: 0, max: INTEGER_MAX, now: settings.sparseRatio };
      settings.sparseRatio = integerOption(args, 2, name, ratio);
      const safe = { min: 0, max: INTEGER_MAX, now: settings.sparseSafe };
      settings.sparseSafe = integerOption(args, 3, name, safe);
      return [settings.sparseConvert, settings.sparseRatio, settings.sparseSafe];
    },
  };
  return Object.entries(functions).map(([name, change]) => [name, (...args) => change(args)]);
}

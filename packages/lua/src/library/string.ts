/**
 * Lua 5.1's `string`. Strings hold one byte per char, upper and lower case are those of ASCII.
 *
 * Functions take time and memory in proportion to what they read and make, and charge the meter for
 * it; results longer than a Redis string are errors before they are made.
 */
import { badArgument, luaError } from '../errors.ts';
import { UNPACKED_VALUES_MAX } from '../limits.ts';
import { meter } from '../meter.ts';
import { numberToText } from '../number-text.ts';
import { index } from '../operators.ts';
import { LuaTable } from '../table.ts';
import {
  first,
  isTruthy,
  type LuaFunction,
  type LuaResult,
  type LuaValue,
  NO_VALUES,
  typeName,
} from '../values.ts';
import {
  checkArgument,
  functionArgument,
  intArgument,
  integerArgument,
  optionalInt,
  optionalInteger,
  stringArgument,
} from './arguments.ts';
import { isAnchored, type Pattern, patternOf } from './pattern.ts';
import { formatText } from './text-format.ts';

const PERCENT = 37;

/** A position from the end, when negative, as one from the start; 0 when before it. */
function fromStart(position: number, length: number): number {
  return Math.max(position < 0 ? position + length + 1 : position, 0);
}

function byte(...args: LuaValue[]): LuaResult {
  const text = stringArgument(args, 1, 'byte');
  const from = fromStart(optionalInteger(args, 2, 'byte', 1), text.length);
  const to = fromStart(optionalInteger(args, 3, 'byte', from), text.length);
  const start = Math.max(from, 1);
  const end = Math.min(to, text.length);
  if (start === end) return text.charCodeAt(start - 1);
  if (start > end) return NO_VALUES;
  if (end - start >= UNPACKED_VALUES_MAX) throw luaError('string slice too long');
  const codes: number[] = [];
  for (let at = start - 1; at < end; at++) codes.push(text.charCodeAt(at));
  return codes;
}

function char(...args: LuaValue[]): LuaResult {
  let text = '';
  for (let number = 1; number <= args.length; number++) {
    const code = intArgument(args, number, 'char');
    checkArgument((code & 0xff) === code, number, 'char', 'invalid value');
    text += String.fromCharCode(code);
  }
  return text;
}

function dump(...args: LuaValue[]): LuaResult {
  functionArgument(args, 1, 'dump');
  throw luaError('unable to dump given function');
}

function format(...args: LuaValue[]): LuaResult {
  const text = formatText(args);
  meter.chargeString(text.length);
  return text;
}

function len(...args: LuaValue[]): LuaResult {
  return stringArgument(args, 1, 'len').length;
}

function lower(...args: LuaValue[]): LuaResult {
  const text = stringArgument(args, 1, 'lower');
  meter.chargeString(text.length);
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function upper(...args: LuaValue[]): LuaResult {
  const text = stringArgument(args, 1, 'upper');
  meter.chargeString(text.length);
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

function rep(...args: LuaValue[]): LuaResult {
  const text = stringArgument(args, 1, 'rep');
  const count = intArgument(args, 2, 'rep');
  if (count <= 0 || text === '') return '';
  meter.chargeString(text.length * count);
  return text.repeat(count);
}

function reverse(...args: LuaValue[]): LuaResult {
  const text = stringArgument(args, 1, 'reverse');
  meter.chargeString(text.length);
  return Buffer.from(text, 'latin1').reverse().latin1Slice();
}

function sub(...args: LuaValue[]): LuaResult {
  const text = stringArgument(args, 1, 'sub');
  const from = fromStart(integerArgument(args, 2, 'sub'), text.length);
  const to = fromStart(optionalInteger(args, 3, 'sub', -1), text.length);
  return from <= to ? text.slice(Math.max(from, 1) - 1, to) : '';
}

/** Text without characters that mean something in a pattern. What follows a NUL does not count. */
function isPlain(pattern: string): boolean {
  const end = pattern.indexOf('\0');
  return !/[\^$*+?.([%-]/.test(end < 0 ? pattern : pattern.slice(0, end));
}

function startOf(args: readonly LuaValue[], name: string, length: number): number {
  return Math.min(Math.max(fromStart(optionalInteger(args, 3, name, 1), length) - 1, 0), length);
}

function find(...args: LuaValue[]): LuaResult {
  const text = stringArgument(args, 1, 'find');
  const pattern = stringArgument(args, 2, 'find');
  const start = startOf(args, 'find', text.length);
  if (isTruthy(args[3]) || isPlain(pattern)) {
    const at = text.indexOf(pattern, start);
    meter.charge(((at < 0 ? text.length : at) - start) >>> 6);
    return at < 0 ? undefined : [at + 1, at + pattern.length];
  }
  return search(text, pattern, start, (compiled, from, to) => [
    from + 1,
    to,
    ...compiled.ownCaptures(),
  ]);
}

function match(...args: LuaValue[]): LuaResult {
  const text = stringArgument(args, 1, 'match');
  const pattern = stringArgument(args, 2, 'match');
  const start = startOf(args, 'match', text.length);
  return search(text, pattern, start, capturesOf);
}

function capturesOf(pattern: Pattern, from: number, to: number): LuaResult {
  return pattern.captures(from, to);
}

function search(
  text: string,
  pattern: string,
  start: number,
  result: (pattern: Pattern, from: number, to: number) => LuaResult,
): LuaResult {
  const anchor = isAnchored(pattern);
  const compiled = patternOf(pattern, anchor);
  const last = anchor ? start : text.length;
  for (let from = start; from <= last; from++) {
    meter.charge(1);
    const to = compiled.match(text, from);
    if (to >= 0) return result(compiled, from, to);
  }
  return undefined;
}

/** `^` means itself here. */
function gmatch(...args: LuaValue[]): LuaResult {
  const text = stringArgument(args, 1, 'gmatch');
  const compiled = patternOf(stringArgument(args, 2, 'gmatch'), false);
  let at = 0;
  return (): LuaResult => {
    for (; at <= text.length; at++) {
      meter.charge(1);
      const end = compiled.match(text, at);
      if (end < 0) continue;
      const start = at;
      at = end === start ? end + 1 : end;
      return compiled.captures(start, end);
    }
    return undefined;
  };
}

function gsub(...args: LuaValue[]): LuaResult {
  const text = stringArgument(args, 1, 'gsub');
  const pattern = stringArgument(args, 2, 'gsub');
  const countMax = optionalInt(args, 4, 'gsub', text.length + 1);
  const replacement = replacementOf(args[2]);
  const anchor = isAnchored(pattern);
  const compiled = patternOf(pattern, anchor);
  let result = '';
  let at = 0;
  let count = 0;
  while (count < countMax) {
    meter.charge(1);
    const end = compiled.match(text, at);
    if (end >= 0) {
      count++;
      result += replaced(replacement(compiled, at, end), text, at, end);
      meter.chargeString(result.length);
    }
    if (end > at) at = end;
    else if (at < text.length) result += text[at++];
    else break;
    if (anchor) break;
  }
  return [result + text.slice(at), count];
}

type Replacement = (pattern: Pattern, from: number, to: number) => LuaValue;

function replacementOf(value: LuaValue): Replacement {
  if (typeof value === 'string') return templateOf(value);
  if (typeof value === 'number') return templateOf(numberToText(value));
  if (value instanceof LuaTable) {
    return (pattern, from, to) => index(value, pattern.capture(0, from, to));
  }
  if (typeof value === 'function') {
    return (pattern, from, to) => first(value(...pattern.captures(from, to)));
  }
  throw badArgument(3, 'gsub', 'string/function/table expected');
}

/** A text with `%0` to `%9`. */
function templateOf(template: string): Replacement {
  if (!template.includes('%')) return () => template;
  return (pattern, from, to) => {
    let text = '';
    for (let at = 0; at < template.length; at++) {
      if (template.charCodeAt(at) !== PERCENT) {
        text += template[at];
        continue;
      }
      at++;
      const escaped = template[at] ?? '\0';
      if (escaped < '0' || escaped > '9') text += escaped;
      else if (escaped === '0') text += pattern.subject.slice(from, to);
      else text += String(pattern.capture(Number(escaped) - 1, from, to));
    }
    return text;
  };
}

function replaced(value: LuaValue, text: string, from: number, to: number): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return numberToText(value);
  if (!isTruthy(value)) return text.slice(from, to);
  throw luaError(`invalid replacement value (a ${typeName(value)})`);
}

const FUNCTIONS: Readonly<Record<string, LuaFunction>> = {
  byte,
  char,
  dump,
  find,
  format,
  gfind: gmatch,
  gmatch,
  gsub,
  len,
  lower,
  match,
  rep,
  reverse,
  sub,
  upper,
};

/** A new table `string`. */
export function stringLibrary(): LuaTable {
  return LuaTable.of(Object.entries(FUNCTIONS));
}

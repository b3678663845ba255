/**
 * Lua 5.1's `string`. Strings hold one byte per char, upper and lower case are those of ASCII.
 *
 * Functions take time and memory in proportion to what they read and make, and charge the meter for
 * it; results longer than a Redis string are errors before they are made.
 */
import { badArgument, LuaError, luaError } from '../errors.ts';
import { STRING_BYTES_MAX, UNPACKED_VALUES_MAX } from '../limits.ts';
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

const UPPER_A = 65;
const UPPER_Z = 90;
const LOWER_A = 97;
const LOWER_Z = 122;
const CASE_BIT = 32;

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
  return isAscii(text) ? text.toLowerCase() : withCase(text, UPPER_A, UPPER_Z);
}

function upper(...args: LuaValue[]): LuaResult {
  const text = stringArgument(args, 1, 'upper');
  meter.chargeString(text.length);
  return isAscii(text) ? text.toUpperCase() : withCase(text, LOWER_A, LOWER_Z);
}

function isAscii(text: string): boolean {
  return !/[\x80-\xff]/.test(text);
}

/** Changes the case of these letters and of nothing else. */
function withCase(text: string, from: number, to: number): string {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes[at]!;
    if (code >= from && code <= to) bytes[at] = code ^ CASE_BIT;
  }
  return bytes.latin1Slice();
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
  let copied = 0;
  let at = 0;
  let count = 0;
  while (count < countMax) {
    meter.charge(1);
    const end = compiled.match(text, at);
    if (end >= 0) {
      count++;
      const piece = replaced(replacement(compiled, at, end), text, at, end);
      meter.chargeString(piece.length);
      result += copied < at ? text.slice(copied, at) + piece : piece;
      if (result.length > STRING_BYTES_MAX) throw new LuaError('not enough memory');
      copied = end;
    }
    if (end > at) at = end;
    else if (at < text.length) at++;
    else break;
    if (anchor) break;
  }
  return [copied === 0 && result === '' ? text : result + text.slice(copied), count];
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
  const parts = templateParts(template);
  return (pattern, from, to) => {
    let text = '';
    for (const part of parts) {
      if (typeof part === 'string') text += part;
      else if (part === 0) text += pattern.subject.slice(from, to);
      else text += String(pattern.capture(part - 1, from, to));
    }
    return text;
  };
}

/** Texts, and numbers of captures. What follows a `%` and is no digit means itself. */
function templateParts(template: string): (string | number)[] {
  const parts: (string | number)[] = [];
  let from = 0;
  for (;;) {
    const at = template.indexOf('%', from);
    parts.push(template.slice(from, at < 0 ? template.length : at));
    if (at < 0) return parts;
    const escaped = template[at + 1] ?? '\0';
    parts.push(escaped >= '0' && escaped <= '9' ? Number(escaped) : escaped);
    from = at + 2;
  }
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

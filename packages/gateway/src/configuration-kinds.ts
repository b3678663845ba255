/**
 * The kinds of configuration values: how each is read from words, how CONFIG GET prints it, and
 * how CONFIG REWRITE writes it. Leaf functions: they know no parameter by name and keep no state.
 *
 * The idea: a value lives in two forms at once. `value` is what code reads (a number, a boolean, a
 * list); `text` is what CONFIG GET answers. Text is made once, when the value is set, so that
 * numbers beyond 2^53 come back exactly and reading is a lookup.
 *
 * Texts of errors, the rules of numbers (`1.5`, ` 1` and `0x10` are no integers), memory units and
 * the places where Redis is lenient (an empty memory value is 0, too large a one saturates) are
 * those of Redis 7.0's config.c, held against a live server in configuration.test.ts.
 */

import { accessSync, constants, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { quoteWord } from './redis-conf.ts';

/** After `seconds` with at least `changes` keys changed, a snapshot is due. */
export interface SaveRule {
  readonly seconds: number;
  readonly changes: number;
}

/** Output buffer limits of one class of clients; 0 is no limit. */
export interface BufferLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  readonly softSeconds: number;
}

export interface BufferLimits {
  readonly normal: BufferLimit;
  readonly replica: BufferLimit;
  readonly pubsub: BufferLimit;
}

/** Bits of notify-keyspace-events, with the letters and numbers of Redis. */
export const KEYSPACE_EVENTS = {
  K: 1,
  E: 2,
  g: 4,
  $: 8,
  l: 16,
  s: 32,
  h: 64,
  z: 128,
  x: 256,
  e: 512,
  t: 1024,
  m: 2048,
  d: 8192,
  n: 16384,
} as const;

const ALL_CLASSES = 'g$lshzxetd';

/** What code reads, by kind. Percentages of `memory-or-percent` are negative, as in Redis. */
export interface KindValues {
  boolean: boolean;
  text: string;
  choice: string;
  choices: readonly string[];
  integer: number;
  octal: number;
  memory: number;
  'memory-or-percent': number;
  'auto-or-count': number;
  words: readonly string[];
  'buffer-limits': BufferLimits;
  'oom-scores': readonly number[];
  'save-rules': readonly SaveRule[];
  directory: string;
  percentiles: readonly number[];
  'event-classes': number;
  primary: string;
}

export type Kind = keyof KindValues;
export type Value = KindValues[Kind];

/** One row of configuration-parameters.ts. */
export interface Parameter {
  readonly name: string;
  /** Older names that mean the same; CONFIG GET lists them too. */
  readonly aliases?: readonly string[];
  readonly kind: Kind;
  /** In the spelling of redis.conf. */
  readonly default: string;
  readonly choices?: readonly string[];
  /** Choices that are stored and printed as another one. */
  readonly synonyms?: Readonly<Record<string, string>>;
  readonly min?: number | bigint;
  readonly max?: number | bigint;
  /** Values outside are accepted and moved to the nearer end. */
  readonly clamp?: readonly [number, number];
  readonly wordsMax?: number;
  /** Returns the error text, or undefined when the value will do. */
  readonly validate?: (text: string) => string | undefined;
  /** Only at start, not by CONFIG SET. */
  readonly immutable?: boolean;
  /** Not in the answer to a pattern, only to the full name. */
  readonly hidden?: boolean;
  /** CONFIG SET only as enable-protected-configs allows. */
  readonly protected?: boolean;
  readonly refusedWhileLoading?: boolean;
  /** The value must not be logged. */
  readonly sensitive?: boolean;
  /** Shards work with it and must be told of a change. */
  readonly shard?: boolean;
  /** Why no value but the default is accepted. */
  readonly unsupported?: string;
  /** Heading and line in `--help`; without them the parameter is not listed there. */
  readonly group?: string;
  readonly about?: string;
}

/** A value read, or the text of what is wrong with it. */
export type Parsed = { value: Value; text: string } | string;

const INTEGER = /^(0|-?[1-9][0-9]*)$/;
/** What strtoll takes to its end; of nothing it makes 0. */
const LENIENT_INTEGER = /^(\s*[+-]?[0-9]+)?$/;
const MEMORY = /^([0-9]{0,127})(b|k|kb|m|mb|g|gb)?$/i;
const UNIT_BYTES: Readonly<Record<string, bigint>> = {
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000n ** 2n,
  mb: 1024n ** 2n,
  g: 1000n ** 3n,
  gb: 1024n ** 3n,
};
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/** Kinds that take several words; every other takes exactly one. */
const MULTIPLE: ReadonlySet<Kind> = new Set<Kind>([
  'choices',
  'words',
  'buffer-limits',
  'oom-scores',
  'save-rules',
  'percentiles',
  'primary',
]);

export function takesSeveralWords(kind: Kind): boolean {
  return MULTIPLE.has(kind);
}

type Parser = (parameter: Parameter, words: readonly string[], current?: Value) => Parsed;

const PARSERS: Readonly<Record<Kind, Parser>> = {
  boolean: parseBoolean,
  text: (_parameter, [word = '']) => ({ value: word, text: word }),
  choice: parseChoice,
  choices: parseChoices,
  integer: parseInteger,
  octal: parseOctal,
  memory: parseMemory,
  'memory-or-percent': parseMemoryOrPercent,
  'auto-or-count': parseAutoOrCount,
  words: parseWords,
  'buffer-limits': parseBufferLimits,
  'oom-scores': parseOomScores,
  'save-rules': parseSaveRules,
  directory: parseDirectory,
  percentiles: parsePercentiles,
  'event-classes': parseEventClasses,
  primary: parsePrimary,
};

/**
 * Reads a value. `words` is what follows the name on a line of redis.conf; a single word is split
 * at spaces for the kinds that take several. `current` is the value that buffer limits of some
 * classes are merged into, and that a relative directory starts from.
 */
export function parseValue(
  parameter: Parameter,
  words: readonly string[],
  current?: Value,
): Parsed {
  const several = MULTIPLE.has(parameter.kind);
  if (!several && words.length !== 1) return 'wrong number of arguments';
  const split = several && words.length === 1 ? splitWords(words[0]!) : words;
  const parsed = PARSERS[parameter.kind](parameter, split, current);
  if (typeof parsed === 'string') return parsed;
  return parameter.validate?.(parsed.text) ?? parsed;
}

function splitWords(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}

function parseBoolean(_parameter: Parameter, [word = '']: readonly string[]): Parsed {
  const text = word.toLowerCase();
  if (text !== 'yes' && text !== 'no') return "argument must be 'yes' or 'no'";
  return { value: text === 'yes', text };
}

function parseChoice(parameter: Parameter, [word = '']: readonly string[]): Parsed {
  const choice = findChoice(parameter, word);
  return choice === undefined ? mustBeOneOf(parameter) : { value: choice, text: choice };
}

function findChoice({ choices = [], synonyms }: Parameter, word: string): string | undefined {
  const lower = word.toLowerCase();
  return choices.includes(lower) ? (synonyms?.[lower] ?? lower) : undefined;
}

function mustBeOneOf({ choices = [] }: Parameter): string {
  return `argument(s) must be one of the following: ${choices.join(', ')}`;
}

/** A set of flags; the first choice is the name of the empty set. Printed in the row's order. */
function parseChoices(parameter: Parameter, words: readonly string[]): Parsed {
  const found = new Set<string>();
  if (words.length === 0) return mustBeOneOf(parameter);
  for (const word of words) {
    const choice = findChoice(parameter, word);
    if (choice === undefined) return mustBeOneOf(parameter);
    found.add(choice);
  }
  const [none = '', ...flags] = parameter.choices ?? [];
  const value = flags.filter((flag) => found.has(flag));
  return { value, text: value.length === 0 ? none : value.join(' ') };
}

function parseInteger(parameter: Parameter, [word = '']: readonly string[]): Parsed {
  const number = INTEGER.test(word) ? BigInt(word) : undefined;
  if (number === undefined || BigInt.asIntN(64, number) !== number) {
    return "argument couldn't be parsed into an integer";
  }
  return outOfRange(parameter, number) ?? plainNumber(clamped(parameter, number));
}

function clamped({ clamp }: Parameter, number: bigint): bigint {
  if (clamp === undefined) return number;
  return BigInt(Math.min(Math.max(Number(number), clamp[0]), clamp[1]));
}

function plainNumber(number: bigint): Parsed {
  return { value: Number(number), text: String(number) };
}

function outOfRange({ min = 0, max = 0 }: Parameter, number: bigint): string | undefined {
  if (number >= min && number <= max) return undefined;
  return `argument must be between ${min} and ${max} inclusive`;
}

function parseOctal({ min = 0, max = 0 }: Parameter, [word = '']: readonly string[]): Parsed {
  if (!/^[0-7]+$/.test(word)) return "argument couldn't be parsed as an octal number";
  const value = Number.parseInt(word, 8);
  if (value < min || value > max) {
    return `argument must be between ${min.toString(8)} and ${max.toString(8)} inclusive`;
  }
  return { value, text: value.toString(8) };
}

/** Bytes of `100mb` and its like, or undefined. Saturates and wraps as strtoull and C do. */
function readMemory(word: string): bigint | undefined {
  const match = MEMORY.exec(word);
  if (match === null) return undefined;
  const digits = BigInt(match[1] ?? '0');
  const number = digits > UINT64_MAX ? UINT64_MAX : digits;
  return BigInt.asUintN(64, number * UNIT_BYTES[(match[2] ?? 'b').toLowerCase()]!);
}

function parseMemory(parameter: Parameter, [word = '']: readonly string[]): Parsed {
  const bytes = readMemory(word);
  if (bytes === undefined) return 'argument must be a memory value';
  return outOfRange(parameter, bytes) ?? plainNumber(bytes);
}

function parseMemoryOrPercent(parameter: Parameter, words: readonly string[]): Parsed {
  const [word = ''] = words;
  if (readMemory(word) !== undefined) return parseMemory(parameter, words);
  const percent = word.endsWith('%') ? word.slice(0, -1) : '';
  if (!INTEGER.test(percent) || percent.startsWith('-') || BigInt(percent) > INT64_MAX) {
    return 'argument must be a memory or percent value';
  }
  if (Number(percent) > 100) return 'percentage argument must be less or equal to 100';
  return Number(percent) === 0
    ? { value: 0, text: '0' }
    : { value: -Number(percent), text: `${percent}%` };
}

function parseAutoOrCount({ max = 0 }: Parameter, [word = '']: readonly string[]): Parsed {
  if (word.toLowerCase() === 'auto') {
    return { value: Math.max(1, availableParallelism()), text: 'auto' };
  }
  if (!INTEGER.test(word) || Number(word) < 0 || Number(word) > max) {
    return `argument must be 'auto' or between 0 and ${max} inclusive`;
  }
  return { value: Number(word), text: word };
}

function parseWords({ wordsMax = 0 }: Parameter, words: readonly string[]): Parsed {
  if (words.length > wordsMax) return 'Too many bind addresses specified.';
  return { value: words, text: words.join(' ') };
}

const UNKNOWN_CLASS = 'Invalid client class specified in buffer limit configuration.';
const NO_LIMIT: BufferLimit = { hardBytes: 0, softBytes: 0, softSeconds: 0 };
const NO_LIMITS: BufferLimits = { normal: NO_LIMIT, replica: NO_LIMIT, pubsub: NO_LIMIT };

function parseBufferLimits(
  _parameter: Parameter,
  words: readonly string[],
  current?: Value,
): Parsed {
  if (words.length % 4 !== 0) return 'Wrong number of arguments in buffer limit configuration.';
  const limits: Record<string, BufferLimit> = { ...((current as BufferLimits) ?? NO_LIMITS) };
  for (let i = 0; i < words.length; i += 4) {
    const name = words[i]!.toLowerCase() === 'slave' ? 'replica' : words[i]!.toLowerCase();
    if (!(name in NO_LIMITS)) return UNKNOWN_CLASS;
    const hard = readMemory(words[i + 1]!);
    const soft = readMemory(words[i + 2]!);
    const softSeconds = LENIENT_INTEGER.test(words[i + 3]!) ? Number(words[i + 3]) : -1;
    if (hard === undefined || soft === undefined || softSeconds < 0) {
      return 'Error in hard, soft or soft_seconds setting in buffer limit configuration.';
    }
    limits[name] = { hardBytes: Number(hard), softBytes: Number(soft), softSeconds };
  }
  const { normal, replica, pubsub } = limits as unknown as BufferLimits;
  const texts = [normal, replica, pubsub].map(limitText);
  const text = `normal ${texts[0]} slave ${texts[1]} pubsub ${texts[2]}`;
  return { value: { normal, replica, pubsub }, text };
}

function limitText({ hardBytes, softBytes, softSeconds }: BufferLimit): string {
  return `${hardBytes} ${softBytes} ${softSeconds}`;
}

function parseOomScores(_parameter: Parameter, words: readonly string[]): Parsed {
  if (words.length !== 3) return 'wrong number of arguments';
  const value = words.map((word) => (LENIENT_INTEGER.test(word) ? Number(word) : Number.NaN));
  if (!value.every((score) => Math.abs(score) <= 2000)) {
    return 'Invalid oom-score-adj-values, elements must be between -2000 and 2000.';
  }
  return { value, text: value.join(' ') };
}

function parseSaveRules(_parameter: Parameter, words: readonly string[]): Parsed {
  if (words.length % 2 !== 0) return 'Invalid save parameters';
  const value: SaveRule[] = [];
  for (let i = 0; i < words.length; i += 2) {
    const [seconds, changes] = [words[i]!, words[i + 1]!].map((word) =>
      LENIENT_INTEGER.test(word) ? Number(word) : -1,
    );
    if (seconds! < 1 || changes! < 0) return 'Invalid save parameters';
    value.push({ seconds: seconds!, changes: changes! });
  }
  return { value, text: value.map((rule) => `${rule.seconds} ${rule.changes}`).join(' ') };
}

function parseDirectory(
  _parameter: Parameter,
  [word = '']: readonly string[],
  current?: Value,
): Parsed {
  const path = resolve(typeof current === 'string' ? current : '.', word);
  // chdir('') fails in C, while resolve('') is the directory itself.
  const problem = word === '' ? 'No such file or directory' : directoryProblem(path);
  return problem ?? { value: path, text: path };
}

/** What the operating system would say to entering a directory, or undefined. */
function directoryProblem(path: string): string | undefined {
  try {
    if (!statSync(path).isDirectory()) return 'Not a directory';
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (error) {
    return systemErrorText(error);
  }
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EISDIR: 'Is a directory',
  EROFS: 'Read-only file system',
  ENOSPC: 'No space left on device',
  ELOOP: 'Too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
};

/** The words of strerror for an error of node:fs, which clients of Redis know. */
export function systemErrorText(error: unknown): string {
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException;
  return SYSTEM_ERRORS[code] ?? message;
}

function parsePercentiles(_parameter: Parameter, words: readonly string[]): Parsed {
  const value = words.map(readDecimal);
  // The first mistake is the one that is told, whichever of the two it is.
  const wrong = value.find((each) => !(each >= 0 && each <= 100));
  if (wrong === undefined) {
    return { value, text: value.map((each) => String(Number(each.toFixed(6)))).join(' ') };
  }
  return Number.isNaN(wrong)
    ? 'Invalid latency-tracking-info-percentiles parameters'
    : 'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]';
}

/** A number as strtod reads it, hexadecimal too; NaN for anything else. */
function readDecimal(word: string): number {
  const decimal = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i;
  return decimal.test(word) || /^0x[0-9a-f]+$/i.test(word) ? Number(word) : Number.NaN;
}

/** `A` is all of g$lshzxetd and, as in Redis, hides a following n. */
function parseEventClasses(_parameter: Parameter, [word = '']: readonly string[]): Parsed {
  const bits: Readonly<Record<string, number>> = KEYSPACE_EVENTS;
  const all = [...ALL_CLASSES].reduce((sum, letter) => sum | bits[letter]!, 0);
  let value = 0;
  for (const letter of word) {
    const bit = letter === 'A' ? all : bits[letter];
    if (bit === undefined) return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
    value |= bit;
  }
  const letters = (names: string) => [...names].filter((name) => value & bits[name]!).join('');
  const classes = (value & all) === all ? 'A' : letters(`${ALL_CLASSES}n`);
  return { value, text: classes + letters('KEm') };
}

function parsePrimary(_parameter: Parameter, words: readonly string[]): Parsed {
  if (words.length === 0) return { value: '', text: '' };
  if (words.length !== 2) return 'wrong number of arguments';
  if (words.join(' ').toLowerCase() === 'no one') return { value: '', text: '' };
  const port = Number(words[1]);
  if (!LENIENT_INTEGER.test(words[1]!) || port < 0 || port > 65535) return 'Invalid master port';
  return { value: `${words[0]} ${port}`, text: `${words[0]} ${port}` };
}

export function validSnapshotName(text: string): string | undefined {
  return isPath(text) ? "dbfilename can't be a path, just a filename" : undefined;
}

export function validJournalName(text: string): string | undefined {
  if (text === '') return "appendfilename can't be empty";
  return isPath(text) ? "appendfilename can't be a path, just a filename" : undefined;
}

export function validJournalDirectory(text: string): string | undefined {
  if (text === '') return "appenddirname can't be empty";
  return isPath(text) ? "appenddirname can't be a path, just a dirname" : undefined;
}

function isPath(text: string): boolean {
  return text.includes('/') || text.includes('\\');
}

export function validShutdownFlags(text: string): string | undefined {
  const flags = text.split(' ');
  return flags.includes('save') && flags.includes('nosave')
    ? "shutdown options SAVE and NOSAVE can't be used simultaneously"
    : undefined;
}

export function validHostname(text: string): string | undefined {
  if (text.length >= 256) return 'Hostnames must be less than 256 characters';
  return /^[A-Za-z0-9.-]*$/.test(text)
    ? undefined
    : 'Hostnames may only contain alphanumeric characters, hyphens or dots';
}

const TITLE_VARIABLES = [
  'title',
  'listen-addr',
  'server-mode',
  'port',
  'tls-port',
  'unixsocket',
  'config-file',
];

export function validTitleTemplate(text: string): string | undefined {
  const rest = text.replace(/\{([^{}]*)\}/g, (whole, name) =>
    TITLE_VARIABLES.includes(name) ? '' : whole,
  );
  return text === '' || /[{}]/.test(rest)
    ? 'template format is invalid or contains unknown variables'
    : undefined;
}

/** A line that CONFIG REWRITE writes; `force`d ones even if the file had no line for it. */
export interface RewrittenLine {
  readonly line: string;
  readonly force: boolean;
}

/** The lines of redis.conf that say `value`; none when absence says it. */
export function rewriteLines(
  parameter: Parameter,
  { value, text }: { value: Value; text: string },
  defaultText: string,
): RewrittenLine[] {
  const { name, kind } = parameter;
  const force = text !== defaultText;
  switch (kind) {
    case 'save-rules':
      return saveLines(name, value as readonly SaveRule[]);
    case 'buffer-limits':
      return bufferLimitLines(name, value as BufferLimits, defaultText);
    case 'memory':
    case 'memory-or-percent':
      return [{ line: `${name} ${memoryText(text)}`, force }];
    case 'directory':
      return [{ line: `${name} ${quoteWord(text)}`, force: true }];
    case 'percentiles':
      return [{ line: `${name} ${text || '""'}`, force: true }];
    case 'words':
      return force ? [{ line: `${name} ${text || '""'}`, force }] : [];
    case 'primary':
      return text === '' ? [] : [{ line: `${name} ${text}`, force: true }];
    case 'text':
      // An empty text without a default is said by having no line, as Redis says NULL.
      if (text === '' && defaultText === '') return [];
      return [{ line: `${name} ${quoteWord(text)}`, force }];
    case 'event-classes':
      return [{ line: `${name} ${quoteWord(text)}`, force }];
    default:
      return [{ line: `${name} ${text}`, force }];
  }
}

function saveLines(name: string, rules: readonly SaveRule[]): RewrittenLine[] {
  if (rules.length === 0) return [{ line: `${name} ""`, force: true }];
  return rules.map((rule) => ({ line: `${name} ${rule.seconds} ${rule.changes}`, force: true }));
}

function bufferLimitLines(
  name: string,
  limits: BufferLimits,
  defaultText: string,
): RewrittenLine[] {
  return (['normal', 'replica', 'pubsub'] as const).map((each) => {
    const { hardBytes, softBytes, softSeconds } = limits[each];
    const [hard, soft] = [memoryText(String(hardBytes)), memoryText(String(softBytes))];
    const printed = `${each === 'replica' ? 'slave' : each} ${limitText(limits[each])}`;
    const force = !defaultText.includes(printed);
    return { line: `${name} ${each} ${hard} ${soft} ${softSeconds}`, force };
  });
}

/** 1048576 → 1mb, 5% → 5%. */
function memoryText(text: string): string {
  if (text.endsWith('%') || text === '0') return text;
  const bytes = BigInt(text);
  for (const unit of ['gb', 'mb', 'kb']) {
    if (bytes % UNIT_BYTES[unit]! === 0n) return `${bytes / UNIT_BYTES[unit]!}${unit}`;
  }
  return text;
}

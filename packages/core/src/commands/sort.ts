/**
 * SORT and SORT_RO, on one shard and as a part of a coordinator's work on several.
 *
 * Sorting by the elements themselves needs nothing but the key. With patterns (BY, GET) it needs
 * values of other keys, which on a server with shards lie elsewhere. So the way from arguments to
 * result (`Sorting`) asks a `SortValues` for them: `LocalValues` looks into the keyspace,
 * `GivenValues` into what the coordinator sent along. What was not sent is noted, the reply is the
 * list of what is missing, and the coordinator comes again with it:
 *
 *     SORT src BY w_* GET o_*->f LIMIT 0 10
 *       ▶ SORT, nothing given        ◀ missing: w_1 w_2 …       all weights
 *       ▶ SORT, weights given        ◀ missing: o_7->f o_3->f   of the ten elements of the result
 *       ▶ SORT, all given            ◀ the result
 *
 * The result is Redis's also where its documentation does not say so: numbers are read as strtod
 * reads them, equal scores are put in order by their elements, a set with BY nosort and STORE is
 * sorted by its elements. ALPHA compares bytes, as Redis does in the C locale. Elements that are
 * equal for ALPHA with BY keep their order; Redis's depends on its sorting algorithm.
 *
 * Cost: O(n log n) and one buffer object per element. An element takes part as a copy, so that a
 * pattern's key that expires meanwhile moves nothing.
 */
import { Block, errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { ElementSpans, hasElements } from '../element-reader.ts';
import { HASH, LIST, SET, STRING } from '../entry.ts';
import { HashValue } from '../hash-value.ts';
import { LIST_BYTES, ListValue } from '../list-value.ts';
import { parseFloatText, parseInteger } from '../number-text.ts';
import { type NamedValue, SortPattern } from '../sort-pattern.ts';
import { stringBytes } from '../value-encoding.ts';
import {
  type CommandSpec,
  DENYOOM,
  INTERNAL,
  keys,
  MOVABLE_KEYS,
  READONLY,
  storeKey,
  WRITE,
} from './command-spec.ts';
import { removeArgument } from './generic.ts';

const list = new ListValue();
const hash = new HashValue();
const spans = new ElementSpans();

// Options

interface SortOptions {
  isDescending: boolean;
  isAlpha: boolean;
  /** BY names no key: the elements keep their order. */
  keepsOrder: boolean;
  by: SortPattern | undefined;
  readonly gets: SortPattern[];
  first: number;
  /** Negative for all. */
  count: number;
  /** Argument of the key to store into, or 0. */
  storeAt: number;
}

/** A long in argument `i`; NaN after an error reply. */
function longArgument({ request, reply }: CommandContext, i: number): number {
  const text = request.text(i);
  const value = parseInteger(request.block, request.offset(i), request.length(i));
  if (!Number.isNaN(value)) return value;
  if (/^-?[1-9]\d{15,18}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) {
    return Number(text);
  }
  reply.error(errors.notInteger);
  return Number.NaN;
}

/** Options from argument 2 on, or undefined after an error reply. */
function readOptions(context: CommandContext, isReadOnly: boolean): SortOptions | undefined {
  const { request } = context;
  const options: SortOptions = {
    isDescending: false,
    isAlpha: false,
    keepsOrder: false,
    by: undefined,
    gets: [],
    first: 0,
    count: -1,
    storeAt: 0,
  };
  for (let i = 2; i < request.argc; i++) {
    const used = readOption(context, options, i, isReadOnly);
    if (used < 0) return undefined;
    i += used;
  }
  return options;
}

/** Takes the option at `i` and returns how many arguments it has; −1 after an error reply. */
function readOption(
  context: CommandContext,
  options: SortOptions,
  i: number,
  isReadOnly: boolean,
): number {
  const { request, reply } = context;
  const left = request.argc - i - 1;
  if (request.is(i, 'ASC')) options.isDescending = false;
  else if (request.is(i, 'DESC')) options.isDescending = true;
  else if (request.is(i, 'ALPHA')) options.isAlpha = true;
  else if (request.is(i, 'LIMIT') && left >= 2) return readLimit(context, options, i);
  else if (!isReadOnly && request.is(i, 'STORE') && left >= 1) {
    options.storeAt = i + 1;
    return 1;
  } else if (request.is(i, 'BY') && left >= 1) {
    options.by = new SortPattern(request.bytes(i + 1));
    // Once said it holds, whatever pattern comes after.
    if (!options.by.hasStar) options.keepsOrder = true;
    return 1;
  } else if (request.is(i, 'GET') && left >= 1) {
    options.gets.push(new SortPattern(request.bytes(i + 1)));
    return 1;
  } else {
    reply.error(errors.syntax);
    return -1;
  }
  return 0;
}

function readLimit(context: CommandContext, options: SortOptions, i: number): number {
  options.first = longArgument(context, i + 1);
  if (Number.isNaN(options.first)) return -1;
  options.count = longArgument(context, i + 2);
  return Number.isNaN(options.count) ? -1 : 2;
}

// Values of other keys

/** Gives the values that patterns name; null for those that are not there. */
interface SortValues {
  /** What was asked for and is not known, to be brought by the coordinator. */
  readonly missing: ReadonlyMap<string, NamedValue>;
  get(named: NamedValue): Buffer | null;
}

class LocalValues implements SortValues {
  readonly missing: ReadonlyMap<string, NamedValue> = new Map();
  readonly #context: CommandContext;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  get(named: NamedValue): Buffer | null {
    return readNamed(this.#context, named);
  }
}

/** The string, or the hash's field, that a key holds. The bytes are copied. */
function readNamed({ engine, keyspace }: CommandContext, { key, field }: NamedValue) {
  const reference = keyspace.findKey(key);
  if (reference === 0) {
    engine.keyspaceMisses++;
    return null;
  }
  engine.keyspaceHits++;
  keyspace.touch(reference);
  const type = keyspace.typeOf(reference);
  if (field.length === 0) {
    return type === STRING ? Buffer.from(stringBytes(keyspace, reference)) : null;
  }
  if (type !== HASH) return null;
  hash.open(keyspace.arena, reference);
  if (!hash.find(new Block(field), 0, field.length) || hash.deadline() <= engine.now) return null;
  const { block, offset, length } = hash.valueSpan();
  return Buffer.from(block.bytes.subarray(offset, offset + length));
}

class GivenValues implements SortValues {
  readonly missing = new Map<string, NamedValue>();
  readonly #given = new Map<string, Buffer | null>();
  readonly #isFinal: boolean;

  /** `isFinal`: what is not given does not exist. */
  constructor(isFinal: boolean) {
    this.#isFinal = isFinal;
  }

  give(named: NamedValue, value: Buffer | null): void {
    this.#given.set(nameOf(named), value);
  }

  get(named: NamedValue): Buffer | null {
    const name = nameOf(named);
    const value = this.#given.get(name);
    if (value === undefined && !this.#isFinal) this.missing.set(name, named);
    return value ?? null;
  }
}

/** Key and field as one word; the length says where the field begins. */
function nameOf({ key, field }: NamedValue): string {
  return `${key.length}:${key.latin1Slice()}${field.latin1Slice()}`;
}

// Sorting

interface SortedElement {
  readonly element: Buffer;
  readonly score: number;
  /** What ALPHA compares; null for an element whose weight is missing. */
  readonly weight: Buffer | null;
}

/** Number of leading blanks that strtod skips. */
const LEADING_BLANKS = /^[ \t\n\v\f\r]*/;
const DOUBLE_MIN = 2.2250738585072014e-308;

/** A score as strtod reads it, NaN for what it does not take as a whole. */
function scoreOf(bytes: Buffer): number {
  const whole = bytes.latin1Slice();
  const nul = whole.indexOf('\0');
  const text = nul < 0 ? whole : whole.slice(0, nul);
  if (text === '') return 0;
  const digits = text.replace(LEADING_BLANKS, '');
  const value = parseFloatText(digits);
  if (Number.isFinite(value)) {
    // Too small for a double: strtod reports a range error.
    const isTiny = Math.abs(value) < DOUBLE_MIN && /^[^eEpP]*[1-9]/.test(digits);
    return isTiny ? Number.NaN : value;
  }
  return /inf/i.test(digits) ? value : Number.NaN;
}

function compareNumbers(a: SortedElement, b: SortedElement): number {
  if (a.score !== b.score) return a.score < b.score ? -1 : 1;
  return Buffer.compare(a.element, b.element);
}

function compareWeights(a: SortedElement, b: SortedElement): number {
  if (a.weight === null || b.weight === null) {
    return Number(a.weight !== null) - Number(b.weight !== null);
  }
  return Buffer.compare(a.weight, b.weight);
}

/**
 * The elements of the result in their order. Undefined after an error reply, or when weights are
 * missing.
 */
function sortElements(
  { reply }: CommandContext,
  elements: readonly Buffer[],
  { by, isAlpha, isDescending }: SortOptions,
  values: SortValues,
): Buffer[] | undefined {
  let areNumbers = true;
  const sorted = elements.map((element): SortedElement => {
    const weight = by === undefined ? element : values.get(by.valueFor(element));
    const score = isAlpha || weight === null ? 0 : scoreOf(weight);
    if (Number.isNaN(score)) areNumbers = false;
    return { element, score, weight };
  });
  if (values.missing.size > 0) return undefined;
  if (!areNumbers) {
    reply.error(errors.sortNotDouble);
    return undefined;
  }
  const compare = isAlpha ? compareWeights : compareNumbers;
  sorted.sort(isDescending ? (a, b) => compare(b, a) : compare);
  return sorted.map(({ element }) => element);
}

/** Integers up to this, times the number of elements, are exact in a double. */
const EXACT_MAX = 2 ** 52;
/** Memory that one SORT leaves to the next: a new array of 20 000 each time is work for V8's helpers. */
const SCRATCH_NUMBERS_MAX = 64 * 1024;
let scratch = new Float64Array(256);

/** An array of `count` numbers, until the next call. */
function numbers(count: number): Float64Array {
  if (count > SCRATCH_NUMBERS_MAX) return new Float64Array(count);
  if (count > scratch.length) scratch = new Float64Array(Math.min(2 * count, SCRATCH_NUMBERS_MAX));
  return scratch.subarray(0, count);
}

/**
 * The common case: the elements in `spans` are integers, and are sorted by themselves. A value and
 * the element's place become one number, so the numbers sort without calls of ours; equal integers
 * are equal elements, whose order does not show. Undefined when it is not the common case.
 */
function sortIntegers(options: SortOptions): readonly Buffer[] | undefined {
  const { count } = spans;
  const bound = EXACT_MAX / Math.max(1, count);
  const sorted = numbers(count);
  for (let i = 0; i < count; i++) {
    const value = spans.integer(i);
    // NaN too.
    if (!(Math.abs(value) < bound)) return undefined;
    sorted[i] = value * count + i;
  }
  sorted.sort();
  const first = Math.max(0, options.first);
  const end = options.count < 0 ? count : Math.min(count, first + options.count);
  const elements: Buffer[] = [];
  for (let i = first; i < end; i++) {
    const place = sorted[options.isDescending ? count - 1 - i : i] % count;
    elements.push(spans.view(place < 0 ? place + count : place));
  }
  return elements;
}

/** The part of the elements that LIMIT asks for. */
function limited(elements: readonly Buffer[], { first, count }: SortOptions): readonly Buffer[] {
  const start = Math.max(0, first);
  return elements.slice(start, count < 0 ? elements.length : start + count);
}

/** The elements of the key in argument 1 in the order of the result, as far as LIMIT asks. */
function orderedElements(
  context: CommandContext,
  options: SortOptions,
  values: SortValues,
): readonly Buffer[] | undefined {
  const { engine, keyspace, request, reply } = context;
  const reference = keyspace.lookupRead(request, 1);
  const type = reference === 0 ? LIST : keyspace.typeOf(reference);
  if (!hasElements(type)) {
    reply.error(errors.wrongType);
    return undefined;
  }
  if (reference === 0) return [];
  spans.read(engine, keyspace, reference);
  if (!options.keepsOrder && !options.isAlpha && options.by === undefined) {
    const sorted = sortIntegers(options);
    if (sorted !== undefined) return sorted;
  }
  const elements = spans.takeAll();
  if (!options.keepsOrder) {
    const sorted = sortElements(context, elements, options, values);
    return sorted === undefined ? undefined : limited(sorted, options);
  }
  if (type === SET) {
    // A set has no order to keep; what is stored must not depend on how it lies in memory.
    if (options.storeAt > 0) elements.sort(Buffer.compare);
    if (options.storeAt > 0 && options.isDescending) elements.reverse();
  } else if (options.isDescending) {
    elements.reverse();
  }
  return limited(elements, options);
}

/** What the result has for each of the elements: themselves, or what the GETs name. */
function resultOf(
  elements: readonly Buffer[],
  { gets }: SortOptions,
  values: SortValues,
): readonly (Buffer | null)[] {
  if (gets.length === 0) return elements;
  return elements.flatMap((element) =>
    gets.map((pattern) => {
      if (pattern.isElement) return element;
      return pattern.hasStar ? values.get(pattern.valueFor(element)) : null;
    }),
  );
}

/** The result, or undefined after an error reply or when values are missing. */
function computeResult(
  context: CommandContext,
  options: SortOptions,
  values: SortValues,
): readonly (Buffer | null)[] | undefined {
  const elements = orderedElements(context, options, values);
  if (elements === undefined) return undefined;
  const result = resultOf(elements, options, values);
  return values.missing.size > 0 ? undefined : result;
}

function replyResult({ reply }: CommandContext, result: readonly (Buffer | null)[]): void {
  reply.array(result.length);
  for (const value of result) {
    if (value === null) reply.null();
    else reply.buffer(value);
  }
}

// Storing

/** Puts a list in place of the key in argument `i`, or removes the key when there are no elements. */
function storeList(context: CommandContext, i: number, elements: readonly (Buffer | null)[]): void {
  const { engine, keyspace, request, reply } = context;
  const wasThere = removeArgument(keyspace, request, i);
  if (elements.length > 0) {
    const reference = keyspace.insertArgument(request, i, LIST, LIST_BYTES);
    list.open(keyspace.arena, reference, engine.settings.listMaxListpackSize).initialize();
    for (const element of elements) {
      const bytes = element ?? NO_BYTES;
      list.pushTail(new Block(bytes), 0, bytes.length);
    }
    context.changed(elements.length);
  } else if (wasThere) {
    context.changed();
  }
  reply.integer(elements.length);
}

const NO_BYTES = Buffer.alloc(0);

function sortGeneric(context: CommandContext, isReadOnly: boolean): void {
  const options = readOptions(context, isReadOnly);
  if (options === undefined) return;
  const result = computeResult(context, options, new LocalValues(context));
  if (result === undefined) return;
  if (options.storeAt > 0) storeList(context, options.storeAt, result);
  else replyResult(context, result);
}

function sort(context: CommandContext): void {
  sortGeneric(context, false);
}

function sortReadOnly(context: CommandContext): void {
  sortGeneric(context, true);
}

// For coordinators

/** Arguments of HASHLANE.SORT for each value given: key, field, whether it is there, value. */
const ARGUMENTS_PER_VALUE = 4;
const FIRST_GIVEN = 3;

function sortGiven(context: CommandContext): void {
  const { request, reply } = context;
  const count = Number(request.text(2));
  const values = new GivenValues(request.is(1, 'FINAL'));
  for (let n = 0; n < count; n++) {
    const i = FIRST_GIVEN + n * ARGUMENTS_PER_VALUE;
    const named = { key: request.bytes(i), field: request.bytes(i + 1) };
    values.give(named, request.is(i + 2, '1') ? request.bytes(i + 3) : null);
  }
  const { argc, base } = request;
  const start = FIRST_GIVEN + count * ARGUMENTS_PER_VALUE;
  request.base = base + 2 * start;
  request.argc = argc - start;
  const options = readOptions(context, request.is(0, 'SORT_RO'));
  const result = options === undefined ? undefined : computeResult(context, options, values);
  request.base = base;
  request.argc = argc;
  if (result === undefined && values.missing.size === 0) return;
  reply.array(2);
  reply.integer(result === undefined ? 0 : 1);
  if (result === undefined) replyMissing(context, values);
  else replyResult(context, result);
}

function replyMissing({ reply }: CommandContext, { missing }: SortValues): void {
  reply.array(2 * missing.size);
  for (const { key, field } of missing.values()) {
    reply.buffer(key);
    reply.buffer(field);
  }
}

function fetch(context: CommandContext): void {
  const { request, reply } = context;
  reply.protocol = 2;
  reply.array((request.argc - 1) >> 1);
  for (let i = 1; i + 1 < request.argc; i += 2) {
    const value = readNamed(context, { key: request.bytes(i), field: request.bytes(i + 1) });
    if (value === null) reply.null();
    else reply.buffer(value);
  }
}

function storeElements(context: CommandContext): void {
  const { request } = context;
  const elements = Array.from({ length: request.argc - 2 }, (_, i) => request.bytes(i + 2));
  storeList(context, 1, elements);
}

const BY_NOTES =
  "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the " +
  'content of the key we sort';
const STORE_NOTES =
  "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere " +
  'in the argument array';
const SORT_ROW = {
  arity: -2,
  spread: 'sort',
  group: 'generic',
  categories: '-@keyspace @set @sortedset @list @dangerous',
  complexity:
    'O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the ' +
    'number of returned elements. When the elements are not sorted, complexity is O(N).',
} as const;
const NAMED_KEYS = {
  first: 0,
  last: 0,
  step: 1,
  access: 'RO access',
  isUnknown: true,
  notes: BY_NOTES,
} as const;
const SORT_SYNTAX =
  'key [BY by-pattern:pattern] [LIMIT offset count] [GET get-pattern:string ' +
  '[GET get-pattern:string ...]] [ASC | DESC] [ALPHA]';
const INTERNAL_ROW = { group: 'internal', since: '0.1.0', complexity: 'O(N*log(N))' } as const;

export const sortCommands = [
  {
    ...SORT_ROW,
    name: 'SORT',
    flags: WRITE | DENYOOM | MOVABLE_KEYS,
    keys: [
      ...keys(1, 1, 'RO access'),
      NAMED_KEYS,
      {
        ...storeKey('STORE', 2, 'OW update', { LIMIT: 2, GET: 1, BY: 1 }),
        isUnknown: true,
        notes: STORE_NOTES,
      },
    ],
    since: '1.0.0',
    summary: 'Sorts the elements in a list, a set, or a sorted set, optionally storing the result.',
    syntax: `${SORT_SYNTAX} [STORE destination]`,
    handler: sort,
  },
  {
    ...SORT_ROW,
    name: 'SORT_RO',
    flags: READONLY | MOVABLE_KEYS,
    keys: [...keys(1, 1, 'RO access'), NAMED_KEYS],
    since: '7.0.0',
    summary: 'Returns the sorted elements of a list, a set, or a sorted set.',
    syntax: SORT_SYNTAX,
    handler: sortReadOnly,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.SORT',
    arity: -5,
    flags: INTERNAL | READONLY,
    syntax:
      '<MORE | FINAL> values [key field <0 | 1> value ...] <SORT | SORT_RO> key [argument ...]',
    summary: 'Sorts with values of other shards; replies the result, or what is missing.',
    handler: sortGiven,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.FETCH',
    arity: -3,
    flags: INTERNAL | READONLY,
    syntax: 'key field [key field ...]',
    summary: "Strings, and fields of hashes where a field's name is not empty.",
    handler: fetch,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.STORELIST',
    arity: -2,
    flags: INTERNAL | WRITE | DENYOOM,
    keys: keys(1, 1, 'OW update'),
    syntax: 'key [element ...]',
    summary: 'Puts a list in place of a key; without elements removes it.',
    handler: storeElements,
  },
] as const satisfies readonly CommandSpec[];

/**
 * Unions, intersections and differences of sorted sets, replied, counted or stored. Sets do as
 * well; their members have the score 1.
 *
 * Every key gets a view of its own. A result is built as a large set in a descriptor outside the
 * keyspace, where members are found by hash and scores keep their sign of zero, as Redis does it;
 * what is stored is made small at the end if it may be, and gets its key last, because a
 * destination may be a source.
 *
 * Sums of doubles depend on their order. Unions and intersections take the inputs from the smallest
 * to the largest, those of a size in the order of the arguments, which is Redis's order.
 *
 * Costs: those of the table's rows.
 */
import { Block, errors, noInputKeys } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { SET } from '../entry.ts';
import { Member } from '../set-member.ts';
import { SetValue } from '../set-value.ts';
import { ALWAYS_LARGE, ZSET_BYTES, ZsetValue } from '../zset-value.ts';
import { boundedArgument, integerArgument } from './arguments.ts';
import {
  type CommandSpec,
  countedKeys,
  DENYOOM,
  type KeyRange,
  MOVABLE_KEYS,
  READONLY,
  WRITE,
} from './command-spec.ts';
import { lookupMembers, replySpan, scoreArgument, WRONG } from './sorted-set-arguments.ts';
import { storeResult } from './sorted-set-range.ts';

const result = new ZsetValue();
const resultDescriptor = Block.allocate(ZSET_BYTES);
/** Score of the members of sets. */
const SET_SCORE = 1;

/** Spans of the members of the inputs; looked up in the others. */
interface Span {
  readonly block: Block;
  readonly offset: number;
  readonly length: number;
}

/** One key of the command: a sorted set, a set, or nothing. */
class Input {
  weight = 1;
  length = 0;
  score = 0;
  /** The member that `next` came to. */
  block!: Block;
  offset = 0;
  memberLength = 0;
  readonly #zset = new ZsetValue();
  readonly #set = new SetValue();
  readonly #member = new Member();
  #isSet = false;
  /** Rank of the next member of a sorted set. */
  #next = 0;

  /** Looks at an entry of the context's keyspace, or at nothing (0). */
  open({ engine, keyspace }: CommandContext, reference: number): this {
    this.weight = 1;
    this.length = 0;
    if (reference === 0) return this;
    this.#isSet = keyspace.typeOf(reference) === SET;
    if (this.#isSet) {
      this.length = this.#set.open(keyspace.arena, reference, engine.settings).size;
    } else {
      this.length = this.#zset.open(keyspace.arena, reference, engine.settings).length;
    }
    return this;
  }

  restart(): void {
    this.#next = 0;
    if (this.length > 0 && this.#isSet) this.#set.restart();
  }

  /** Goes to the next member: false at the end. */
  next(): boolean {
    if (this.length === 0) return false;
    return this.#isSet ? this.#nextOfSet() : this.#nextOfZset();
  }

  #nextOfSet(): boolean {
    if (!this.#set.next(this.#member)) return false;
    const { block, length, offset } = this.#member.needText();
    this.block = block;
    this.offset = offset;
    this.memberLength = length;
    this.score = SET_SCORE;
    return true;
  }

  #nextOfZset(): boolean {
    const zset = this.#zset;
    if (this.#next === this.length) return false;
    if (this.#next === 0) zset.seek(0);
    else zset.stepForward();
    this.#next++;
    zset.locateMember();
    this.block = zset.memberBlock;
    this.offset = zset.memberOffset;
    this.memberLength = zset.memberLength;
    this.score = zset.score;
    return true;
  }

  /** Looks another input's member up; its score is in `score` then. */
  find({ block, length, offset }: Span): boolean {
    if (this.length === 0) return false;
    if (this.#isSet) {
      this.score = SET_SCORE;
      return this.#set.has(this.#member.set(block, offset, length));
    }
    if (!this.#zset.find(block, offset, length)) return false;
    this.score = this.#zset.foundScore;
    return true;
  }
}

/** Inputs of the command that runs: the first `inputs.length` of views that are reused. */
const views: Input[] = [];
const inputs: Input[] = [];
const found = { block: resultDescriptor, offset: 0, length: 0 };

const UNION = 0;
const INTERSECTION = 1;
const DIFFERENCE = 2;
type Operation = 0 | 1 | 2;

const SUM = 0;
const LEAST = 1;
const GREATEST = 2;

/** What a command does with its result. */
const REPLIES = 0;
const STORES = 1;
const COUNTS = 2;
type Purpose = 0 | 1 | 2;

/** Options of the command that runs. */
const options = { aggregate: SUM, withScores: false, limit: 0 };

/** Opens the inputs, whose number is in argument `countAt`, and reads options. False on error. */
function readInputs(
  context: CommandContext,
  countAt: number,
  operation: Operation,
  purpose: Purpose,
  name: string,
): boolean {
  const { reply, request } = context;
  const count = integerArgument(context, countAt, errors.notInteger);
  if (Number.isNaN(count)) return false;
  if (count < 1) {
    reply.error(noInputKeys(name));
    return false;
  }
  if (count > request.argc - countAt - 1) {
    reply.error(errors.syntax);
    return false;
  }
  if (!openInputs(context, countAt + 1, count)) return false;
  return readOptions(context, countAt + 1 + count, operation, purpose);
}

function openInputs(context: CommandContext, first: number, count: number): boolean {
  inputs.length = 0;
  for (let i = 0; i < count; i++) {
    const reference = lookupMembers(context, first + i);
    if (reference === WRONG) return false;
    const view = views[i] ?? new Input();
    views[i] = view;
    inputs.push(view.open(context, reference));
  }
  return true;
}

function readOptions(
  context: CommandContext,
  from: number,
  operation: Operation,
  purpose: Purpose,
): boolean {
  const { reply, request } = context;
  options.aggregate = SUM;
  options.withScores = false;
  options.limit = 0;
  const weighs = operation !== DIFFERENCE && purpose !== COUNTS;
  for (let i = from; i < request.argc; i++) {
    const left = request.argc - i;
    if (weighs && left > inputs.length && request.is(i, 'WEIGHTS')) {
      if (!readWeights(context, i + 1)) return false;
      i += inputs.length;
    } else if (weighs && left >= 2 && request.is(i, 'AGGREGATE')) {
      if (!readAggregate(context, i + 1)) return false;
      i++;
    } else if (purpose === REPLIES && request.is(i, 'WITHSCORES')) {
      options.withScores = true;
    } else if (purpose === COUNTS && left >= 2 && request.is(i, 'LIMIT')) {
      options.limit = boundedArgument(context, i + 1, 0, errors.limitNegative);
      if (Number.isNaN(options.limit)) return false;
      i++;
    } else {
      reply.error(errors.syntax);
      return false;
    }
  }
  return true;
}

function readWeights(context: CommandContext, from: number): boolean {
  for (let i = 0; i < inputs.length; i++) {
    inputs[i].weight = scoreArgument(context, from + i, errors.weightNotFloat);
    if (Number.isNaN(inputs[i].weight)) return false;
  }
  return true;
}

function readAggregate({ reply, request }: CommandContext, i: number): boolean {
  if (request.is(i, 'SUM')) options.aggregate = SUM;
  else if (request.is(i, 'MIN')) options.aggregate = LEAST;
  else if (request.is(i, 'MAX')) options.aggregate = GREATEST;
  else {
    reply.error(errors.syntax);
    return false;
  }
  return true;
}

// Scores.

/** Weighted score of the input's member; what is not a number (∞ · 0) counts as 0. */
function weighted(input: Input): number {
  const score = input.weight * input.score;
  return Number.isNaN(score) ? 0 : score;
}

/** A score together with another input's. */
function aggregated(score: number, other: number): number {
  if (options.aggregate !== SUM) {
    // Not Math.min: where `other` is not a number, the score stays.
    const replaces = options.aggregate === LEAST ? other < score : other > score;
    return replaces ? other : score;
  }
  const sum = score + other;
  // ∞ − ∞
  return Number.isNaN(sum) ? 0 : sum;
}

// Operations. Each leaves its members in `result`.

function bySize(a: Input, b: Input): number {
  return a.length - b.length;
}

function unite(): void {
  inputs.sort(bySize);
  for (const input of inputs) {
    input.restart();
    while (input.next()) {
      const score = weighted(input);
      if (!result.find(input.block, input.offset, input.memberLength)) {
        result.insertMissing(score);
        continue;
      }
      const sum = aggregated(result.foundScore, score);
      if (!Object.is(sum, result.foundScore)) result.setFound(sum);
    }
  }
}

/** Points `found` at the input's member. */
function hold(input: Input): void {
  found.block = input.block;
  found.offset = input.offset;
  found.length = input.memberLength;
}

/** Score of the member `found` in all inputs together, NaN when one lacks it. */
function scoreInAll(first: Input): number {
  let score = weighted(first);
  for (let i = 1; i < inputs.length; i++) {
    const input = inputs[i];
    if (!input.find(found)) return Number.NaN;
    score = aggregated(score, input.score * input.weight);
  }
  return score;
}

/** Visits the members that are in all inputs, with their scores, until `visit` says false. */
function intersect(visit: (score: number) => boolean): void {
  inputs.sort(bySize);
  const first = inputs[0];
  first.restart();
  while (first.next()) {
    hold(first);
    const score = scoreInAll(first);
    if (!Number.isNaN(score) && !visit(score)) return;
  }
}

function addFound(score: number): boolean {
  result.add(score, found.block, found.offset, found.length);
  return true;
}

function subtract(): void {
  const first = inputs[0];
  first.restart();
  while (first.next()) {
    hold(first);
    const { score } = first;
    if (!isInOthers()) addFound(score);
  }
}

function isInOthers(): boolean {
  for (let i = 1; i < inputs.length; i++) if (inputs[i].find(found)) return true;
  return false;
}

function combine(context: CommandContext, operation: Operation): void {
  // A result is large until it is stored.
  result.createAt(context.keyspace.arena, resultDescriptor, 0, ALWAYS_LARGE);
  if (operation === UNION) unite();
  else if (operation === INTERSECTION) intersect(addFound);
  else subtract();
}

function replyCombined(context: CommandContext, operation: Operation, name: string): void {
  if (!readInputs(context, 1, operation, REPLIES, name)) return;
  combine(context, operation);
  replySpan(context.reply, result, 0, result.length, false, options.withScores);
  result.free();
}

function storeCombined(context: CommandContext, operation: Operation, name: string): void {
  if (!readInputs(context, 2, operation, STORES, name)) return;
  combine(context, operation);
  result.pack(context.engine.settings);
  storeResult(context, result, resultDescriptor);
}

function zunion(context: CommandContext): void {
  replyCombined(context, UNION, 'zunion');
}

function zinter(context: CommandContext): void {
  replyCombined(context, INTERSECTION, 'zinter');
}

function zdiff(context: CommandContext): void {
  replyCombined(context, DIFFERENCE, 'zdiff');
}

function zunionstore(context: CommandContext): void {
  storeCombined(context, UNION, 'zunionstore');
}

function zinterstore(context: CommandContext): void {
  storeCombined(context, INTERSECTION, 'zinterstore');
}

function zdiffstore(context: CommandContext): void {
  storeCombined(context, DIFFERENCE, 'zdiffstore');
}

function zintercard(context: CommandContext): void {
  if (!readInputs(context, 1, INTERSECTION, COUNTS, 'zintercard')) return;
  let count = 0;
  intersect(() => {
    count++;
    return count !== options.limit;
  });
  context.reply.integer(count);
}

const READ = countedKeys(1, 'RO access');
const STORE: readonly KeyRange[] = [
  { first: 1, last: 1, step: 1, access: 'OW update' },
  ...countedKeys(2, 'RO access'),
];
const O_UNION =
  'with N being the sum of the sizes of the input sorted sets, and M being the number of ' +
  'elements in the resulting sorted set.';
const O_INTERSECTION =
  'O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number ' +
  'of input sorted sets and M being the number of elements in the resulting sorted set.';
const O_DIFFERENCE =
  'O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is ' +
  'the size of the first set, and K is the size of the result set.';
const WEIGHED = 'numkeys key [key ...] [WEIGHTS weight:double [weight:double ...]]';
const AGGREGATE = '[AGGREGATE <SUM | MIN | MAX>]';

export const sortedSetAlgebraCommands = [
  {
    name: 'ZUNION',
    arity: -3,
    flags: READONLY | MOVABLE_KEYS,
    handler: zunion,
    keys: READ,
    spread: 'borrow',
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Add multiple sorted sets',
    complexity: `O(N)+O(M*log(M)) ${O_UNION}`,
    syntax: `${WEIGHED} ${AGGREGATE} [WITHSCORES]`,
  },
  {
    name: 'ZINTER',
    arity: -3,
    flags: READONLY | MOVABLE_KEYS,
    handler: zinter,
    keys: READ,
    spread: 'borrow',
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Intersect multiple sorted sets',
    complexity: O_INTERSECTION,
    syntax: `${WEIGHED} ${AGGREGATE} [WITHSCORES]`,
  },
  {
    name: 'ZDIFF',
    arity: -3,
    flags: READONLY | MOVABLE_KEYS,
    handler: zdiff,
    keys: READ,
    spread: 'borrow',
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Subtract multiple sorted sets',
    complexity: O_DIFFERENCE,
    syntax: 'numkeys key [key ...] [WITHSCORES]',
  },
  {
    name: 'ZUNIONSTORE',
    arity: -4,
    flags: WRITE | DENYOOM | MOVABLE_KEYS,
    handler: zunionstore,
    keys: STORE,
    spread: 'borrow',
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Add multiple sorted sets and store the resulting sorted set in a new key',
    complexity: `O(N)+O(M log(M)) ${O_UNION}`,
    syntax: `destination ${WEIGHED} ${AGGREGATE}`,
  },
  {
    name: 'ZINTERSTORE',
    arity: -4,
    flags: WRITE | DENYOOM | MOVABLE_KEYS,
    handler: zinterstore,
    keys: STORE,
    spread: 'borrow',
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Intersect multiple sorted sets and store the resulting sorted set in a new key',
    complexity: O_INTERSECTION,
    syntax: `destination ${WEIGHED} ${AGGREGATE}`,
  },
  {
    name: 'ZDIFFSTORE',
    arity: -4,
    flags: WRITE | DENYOOM | MOVABLE_KEYS,
    handler: zdiffstore,
    keys: STORE,
    spread: 'borrow',
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Subtract multiple sorted sets and store the resulting sorted set in a new key',
    complexity: O_DIFFERENCE,
    syntax: 'destination numkeys key [key ...]',
  },
  {
    name: 'ZINTERCARD',
    arity: -3,
    flags: READONLY | MOVABLE_KEYS,
    handler: zintercard,
    keys: READ,
    spread: 'borrow',
    group: 'sorted-set',
    since: '7.0.0',
    summary: 'Intersect multiple sorted sets and return the cardinality of the result',
    complexity:
      'O(N*K) worst case with N being the smallest input sorted set, K being the number of input ' +
      'sorted sets.',
    syntax: 'numkeys key [key ...] [LIMIT limit:integer]',
  },
] as const satisfies readonly CommandSpec[];

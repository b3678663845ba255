/**
 * Is there an order of these operations, one after the other, that explains every reply and keeps
 * to real time (what was answered before another was asked comes before it)?
 *
 * The algorithm is Wing and Gong's search ("Testing and verifying concurrent objects", 1993) with
 * the memory of configurations that Lowe added ("Testing for linearizability", 2017): operations
 * are tried at each moment at which they were under way, a call is lifted out of the history when
 * it can come next, and put back when that leads nowhere; a set of operations done, together with
 * the state they led to, is not searched twice.
 *
 * A history is cut before the search: operations that share no key, directly or through others, are
 * judged apart (linearizability is a local property). The state before and the state after a window
 * are known exactly, because the simulation lets everything come to rest between windows.
 *
 * An operation without a reply (its client was gone) may have taken effect at any time after its
 * call, or not at all. If it was a pop that waits, what it took may come back later, to where it
 * was: two steps, between which others may look. Operations on one connection that share a key keep
 * the order in which they were sent.
 */
import { ReplyError, type ReplyValue } from '@hashlane/harness/tools';
import { CONFIGURATIONS_MAX } from './limits.ts';
import { BLOCKING, equalReplies, execute, keysOf, NOT_NOW, nameOf, type State } from './model.ts';
import type { Operation } from './operation.ts';

export type Verdict = 'linearizable' | 'not linearizable' | 'undecided';

export interface Judgement {
  readonly verdict: Verdict;
  /** The operations that could not be ordered. */
  readonly operations: readonly Operation[];
  readonly configurations: number;
  /** Of the search that came furthest: what had no place any more, and the state before it. */
  readonly stuck?: { readonly operation: Operation | undefined; readonly state: State };
}

/** An operation in a history: its keys, and the next state if it came next with its reply. */
interface Call {
  readonly operation: Operation;
  readonly keys: readonly string[] | undefined;
  readonly number: number;
  /** The operation of the same connection that must come before. */
  readonly before: readonly number[];
  readonly isOptional: boolean;
  /** Of an operation in two steps: taking an element, and putting it back. */
  readonly part: 'all' | 'take' | 'return';
}

const WAITING_POPS: ReadonlySet<string> = new Set(['BLPOP', 'BRPOP', 'BLMPOP']);

/** Under this name the state remembers what was taken and is on its way. */
function takenBy(operation: Operation): string {
  return `taken by ${operation.serial}`;
}

/** The state that the call leads to, or undefined when it cannot come next. */
function follow(state: State, { operation, part }: Call): State | undefined {
  switch (part) {
    case 'all':
      return followAll(state, operation);
    case 'take':
      return take(state, operation);
    default:
      return putBack(state, operation);
  }
}

function take(state: State, operation: Operation): State | undefined {
  const { state: next, reply } = execute(state, operation.words, operation.database);
  if (reply === NOT_NOW || reply instanceof ReplyError) return undefined;
  const [key, popped] = reply as [string, string | readonly string[]];
  if (typeof operation.reply === 'string' && popped !== operation.reply) return undefined;
  const remembering = new Map(next);
  return remembering.set(takenBy(operation), [key, ...[popped].flat()]);
}

function putBack(state: State, operation: Operation): State | undefined {
  const taken = state.get(takenBy(operation));
  if (taken === undefined) return undefined;
  const [source = '', ...elements] = taken as readonly string[];
  const { words, database } = operation;
  const isLeft = words[0] === 'BLPOP' || words.includes('LEFT');
  const push = [isLeft ? 'LPUSH' : 'RPUSH', source, ...elements.reverse()];
  const next = new Map(execute(state, push, database).state);
  next.delete(takenBy(operation));
  return next;
}

function followAll(state: State, operation: Operation): State | undefined {
  const { requests, reply, isDone, database, words } = operation;
  if (requests.length > 1) return followTransaction(state, operation);
  if (isDone && reply instanceof ReplyError && /^(UNBLOCKED|ERR shard)/.test(reply.message)) {
    return state;
  }
  const { state: next, reply: expected } = execute(state, words, database);
  if (!isDone) return expected === NOT_NOW ? undefined : next;
  // A command that may wait gave up: there must have been nothing to take.
  if (reply === null && BLOCKING.has(words[0] as string)) {
    return expected === NOT_NOW || expected instanceof ReplyError ? state : undefined;
  }
  if (expected === NOT_NOW) return undefined;
  return equalReplies(reply, expected) ? next : undefined;
}

function followTransaction(state: State, operation: Operation): State | undefined {
  const { requests, reply, isDone, database, guard } = operation;
  if (isDone && (reply === null || reply instanceof ReplyError)) return state;
  if (guard !== undefined) {
    const watched = state.get(nameOf(database, guard.key)) ?? null;
    if (watched !== guard.value) return undefined;
  }
  let next = state;
  const replies: ReplyValue[] = [];
  for (const words of requests.slice(1, -1)) {
    const executed = execute(next, words, database);
    next = executed.state;
    replies.push(executed.reply === NOT_NOW ? null : executed.reply);
  }
  return !isDone || equalReplies(reply, replies) ? next : undefined;
}

/** Keys of all requests of an operation; undefined for all keys. */
export function keysOfOperation(operation: Operation): readonly string[] | undefined {
  const { requests, database } = operation;
  const commands = requests.length > 1 ? requests.slice(1, -1) : requests;
  const keys: string[] = [];
  for (const words of commands) {
    const some = keysOf(words, database);
    if (some === undefined) return undefined;
    keys.push(...some);
  }
  if (operation.guard !== undefined) keys.push(nameOf(database, operation.guard.key));
  return keys;
}

/** Splits operations into groups that have no key in common. */
function partition(operations: readonly Operation[]): Operation[][] {
  const parents = new Map<string, string>();
  const find = (key: string): string => {
    let root = key;
    for (let up = parents.get(root); up !== undefined && up !== root; up = parents.get(root)) {
      root = up;
    }
    parents.set(key, root);
    return root;
  };
  const keys = operations.map(keysOfOperation);
  if (keys.includes(undefined)) return [[...operations]];
  for (const [first = '', ...others] of keys as string[][]) {
    for (const other of others) parents.set(find(other), find(first));
  }
  const groups = new Map<string, Operation[]>();
  operations.forEach((operation, i) => {
    const root = find((keys[i] as string[])[0] ?? '');
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [operation]);
    else group.push(operation);
  });
  return [...groups.values()];
}

/** Judges a window of history between two states. */
export function judge(operations: readonly Operation[], before: State, after: State): Judgement {
  const executed = operations.filter((operation) => !operation.isUnsent);
  let configurations = 0;
  const untouched = new Set([...before.keys(), ...after.keys()]);
  for (const group of partition(executed)) {
    const keys = group.map(keysOfOperation);
    const all = keys.includes(undefined);
    const touched = all ? untouched : new Set(keys.flatMap((some) => some ?? []));
    const from = only(before, touched);
    const to = only(after, touched);
    const outcome = new Search(group, from, to).run();
    configurations += outcome.configurations;
    if (outcome.verdict !== 'linearizable') return { ...outcome, operations: group };
    if (all) return { verdict: 'linearizable', operations: [], configurations };
    for (const key of touched) untouched.delete(key);
  }
  // What nobody touched is as it was.
  const isSame = textOf(only(before, untouched)) === textOf(only(after, untouched));
  const verdict = isSame ? 'linearizable' : 'not linearizable';
  return { verdict, operations: [], configurations };
}

function only(state: State, keys: ReadonlySet<string>): State {
  return new Map([...state].filter(([key]) => keys.has(key)));
}

/** The state without what pops remember. */
function stored(state: State): State {
  return new Map([...state].filter(([key]) => !key.startsWith('taken')));
}

export function textOf(state: State): string {
  return [...state]
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : `[${value.join()}]`}`)
    .sort()
    .join(' ');
}

/** An event of the history in a doubly linked list, so that calls can be lifted out. */
interface Event {
  readonly call: Call;
  readonly isReturn: boolean;
  previous: Event | undefined;
  next: Event | undefined;
  /** The return of a call. */
  match: Event | undefined;
}

interface Frame {
  readonly event: Event;
  readonly state: State;
}

class Search {
  readonly #calls: readonly Call[];
  readonly #goal: string;
  readonly #head: Event;
  readonly #done: Uint32Array;
  readonly #seen = new Set<string>();
  readonly #stack: Frame[] = [];
  #state: State;
  #requiredLeft: number;
  #furthest = -1;
  #stuck: Judgement['stuck'];

  constructor(operations: readonly Operation[], from: State, to: State) {
    this.#calls = numberCalls(operations);
    this.#goal = textOf(to);
    this.#state = from;
    this.#done = new Uint32Array((this.#calls.length >>> 5) + 1);
    this.#requiredLeft = this.#calls.filter(({ isOptional }) => !isOptional).length;
    this.#head = linkEvents(this.#calls);
  }

  run(): Omit<Judgement, 'operations'> {
    let event = this.#head.next;
    for (;;) {
      if (this.#requiredLeft === 0 && textOf(stored(this.#state)) === this.#goal) {
        return { verdict: 'linearizable', configurations: this.#seen.size };
      }
      if (this.#seen.size > CONFIGURATIONS_MAX) {
        return { verdict: 'undecided', configurations: this.#seen.size };
      }
      if (event !== undefined && !event.isReturn) {
        event = this.#try(event) ? this.#head.next : event.next;
        continue;
      }
      if (this.#stack.length > this.#furthest) {
        this.#furthest = this.#stack.length;
        this.#stuck = { operation: event?.call.operation, state: this.#state };
      }
      const frame = this.#stack.pop();
      if (frame === undefined) return this.#failure();
      this.#putBack(frame);
      event = frame.event.next;
    }
  }

  #failure(): Omit<Judgement, 'operations'> {
    const failure = { verdict: 'not linearizable', configurations: this.#seen.size } as const;
    return this.#stuck === undefined ? failure : { ...failure, stuck: this.#stuck };
  }

  /** Lets a call come next, if it can and that was not tried before. */
  #try(event: Event): boolean {
    const { call } = event;
    if (call.before.some((number) => !this.#isDone(number))) return false;
    const next = follow(this.#state, call);
    if (next === undefined) return false;
    this.#mark(call.number, true);
    const configuration = `${this.#done.join()}|${textOf(next)}`;
    if (this.#seen.has(configuration)) {
      this.#mark(call.number, false);
      return false;
    }
    this.#seen.add(configuration);
    this.#stack.push({ event, state: this.#state });
    this.#state = next;
    if (!call.isOptional) this.#requiredLeft--;
    unlink(event);
    if (event.match !== undefined) unlink(event.match);
    return true;
  }

  #putBack({ event, state }: Frame): void {
    this.#state = state;
    this.#mark(event.call.number, false);
    if (!event.call.isOptional) this.#requiredLeft++;
    if (event.match !== undefined) relink(event.match);
    relink(event);
  }

  #isDone(number: number): boolean {
    return (((this.#done[number >>> 5] as number) >>> (number & 31)) & 1) === 1;
  }

  #mark(number: number, isDone: boolean): void {
    const bit = 1 << (number & 31);
    const word = this.#done[number >>> 5] as number;
    this.#done[number >>> 5] = isDone ? word | bit : word & ~bit;
  }
}

function numberCalls(operations: readonly Operation[]): Call[] {
  const calls: Call[] = [];
  const ordered = [...operations].sort((a, b) => a.invokedAt - b.invokedAt || a.serial - b.serial);
  for (const operation of ordered) {
    const keys = keysOfOperation(operation);
    const before = calls.filter((earlier) => mustPrecede(earlier, operation, keys));
    const common = {
      operation,
      keys,
      before: before.map(({ number }) => number),
      isOptional: !operation.isDone,
    };
    for (const part of partsOf(operation)) calls.push({ ...common, number: calls.length, part });
  }
  return calls;
}

function partsOf({ isDone, name }: Operation): readonly Call['part'][] {
  return !isDone && WAITING_POPS.has(name) ? ['take', 'return'] : ['all'];
}

function mustPrecede(
  earlier: Call,
  operation: Operation,
  keys: readonly string[] | undefined,
): boolean {
  if (earlier.isOptional || earlier.operation.connection !== operation.connection) return false;
  if (keys === undefined || earlier.keys === undefined) return true;
  return keys.some((key) => earlier.keys?.includes(key));
}

/** The history: calls and returns in the order of their steps; of one step, the calls first. */
function linkEvents(calls: readonly Call[]): Event {
  const moments: { readonly at: number; readonly event: Event }[] = [];
  for (const call of calls) {
    const event: Event = {
      call,
      isReturn: false,
      previous: undefined,
      next: undefined,
      match: undefined,
    };
    moments.push({ at: 2 * call.operation.invokedAt, event });
    if (call.isOptional) continue;
    event.match = { ...event, isReturn: true };
    moments.push({ at: 2 * call.operation.repliedAt + 1, event: event.match });
  }
  moments.sort((a, b) => a.at - b.at);
  const head: Event = { ...(moments[0]?.event as Event), next: undefined };
  let last = head;
  for (const { event } of moments) {
    last.next = event;
    event.previous = last;
    last = event;
  }
  return head;
}

function unlink(event: Event): void {
  if (event.previous !== undefined) event.previous.next = event.next;
  if (event.next !== undefined) event.next.previous = event.previous;
}

function relink(event: Event): void {
  if (event.previous !== undefined) event.previous.next = event;
  if (event.next !== undefined) event.next.previous = event;
}

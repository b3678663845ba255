/**
 * Every pushed element is delivered exactly once or still stored.
 *
 * Judged at rest, when what is stored is known. An element counts as delivered when the gateway has
 * handed it to the client's socket, as in Redis. What a client that is gone was not told of: its
 * push may have happened or not; its pop may have taken what nobody will see, again as in Redis.
 * But not if it had been waiting: what a waiter's client did not get goes back.
 */
import { ReplyError, type ReplyValue } from '@hashlane/harness/tools';
import { BLOCKING, type State } from './model.ts';
import type { Operation } from './operation.ts';

interface Account {
  /** Pushed for certain, or perhaps. */
  readonly pushed: Set<string>;
  readonly maybePushed: Set<string>;
  readonly delivered: string[];
  /** How many elements may have been taken unseen. */
  lossesAllowed: number;
}

const POPS = new Set(['LPOP', 'RPOP', 'LMPOP', 'BLPOP', 'BRPOP', 'BLMPOP']);
const PUSHES = new Set(['LPUSH', 'RPUSH']);

/** A command and its reply; of a transaction each of its commands. */
function* exchanges(
  operation: Operation,
): Generator<readonly [readonly string[], ReplyValue | undefined]> {
  const { requests, reply, isDone } = operation;
  if (requests.length === 1) {
    yield [operation.words, isDone ? reply : undefined];
    return;
  }
  if (operation.name !== 'MULTI') return;
  if (isDone && (reply === null || reply instanceof ReplyError)) return;
  for (const [i, words] of requests.slice(1, -1).entries()) {
    yield [words, isDone ? (reply as readonly ReplyValue[])[i] : undefined];
  }
}

/** Elements in a reply of a pop. */
function elementsIn(name: string, reply: ReplyValue): readonly string[] {
  if (typeof reply === 'string') return [reply];
  if (!Array.isArray(reply)) return [];
  const popped = reply[1] as ReplyValue;
  return name.endsWith('MPOP') ? (popped as readonly string[]) : [popped as string];
}

/** How many elements a pop takes at most. */
function capacity(words: readonly string[]): number {
  const at = words.indexOf('COUNT');
  return at < 0 ? 1 : Number(words[at + 1]);
}

function enter(account: Account, operation: Operation): void {
  for (const [words, reply] of exchanges(operation)) {
    const name = words[0] as string;
    if (PUSHES.has(name)) {
      const elements = words.slice(2);
      if (reply === undefined || reply instanceof ReplyError) {
        for (const element of elements) account.maybePushed.add(element);
      } else {
        for (const element of elements) account.pushed.add(element);
      }
    } else if (POPS.has(name)) {
      if (reply !== undefined) account.delivered.push(...elementsIn(name, reply));
      else if (!isKept(operation)) account.lossesAllowed += capacity(words);
    }
  }
}

/** What a waiter gets comes back when its client is gone. */
function isKept(operation: Operation): boolean {
  return BLOCKING.has(operation.name) && operation.blockedAt !== Infinity && !operation.wasCutOff;
}

export class Deliveries {
  #stored = new Set<string>();
  readonly #delivered = new Set<string>();

  /** What is stored is known anew, as after a crash. */
  resetTo(after: State): void {
    this.#stored = new Set(elementsOf(after));
  }

  /**
   * Checks the operations since the last time against what is stored now. `mayLose`: elements may
   * be gone for other reasons. The problem's text, or undefined.
   */
  check(operations: readonly Operation[], after: State, mayLose: boolean): string | undefined {
    const account: Account = {
      pushed: new Set(this.#stored),
      maybePushed: new Set(),
      delivered: [],
      lossesAllowed: 0,
    };
    for (const operation of operations) if (!operation.isUnsent) enter(account, operation);
    const known = (element: string): boolean =>
      account.pushed.has(element) || account.maybePushed.has(element);
    for (const element of account.delivered) {
      if (this.#delivered.has(element)) return `${element} was delivered twice`;
      if (!known(element)) return `${element} was delivered but never pushed`;
      this.#delivered.add(element);
    }
    const stored = new Set<string>();
    for (const element of elementsOf(after)) {
      if (stored.has(element)) return `${element} is stored twice`;
      if (this.#delivered.has(element)) return `${element} was delivered and is stored`;
      if (!known(element)) return `${element} is stored but was never pushed`;
      stored.add(element);
    }
    const missing = [...account.pushed].filter(
      (element) => !stored.has(element) && !this.#delivered.has(element),
    );
    this.#stored = stored;
    if (mayLose || missing.length <= account.lossesAllowed) return undefined;
    return `lost: ${missing.join(' ')} (${account.lossesAllowed} may have been popped unseen)`;
  }
}

function elementsOf(state: State): string[] {
  return [...state.values()].flatMap((value) => (typeof value === 'string' ? [] : value));
}

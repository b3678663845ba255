/**
 * Lua 5.1's patterns: compiled once to a list of items, matched by backtracking.
 *
 * A pattern that is malformed behind the point where matching fails is no error in Lua 5.1, since it
 * reads patterns while it matches. So a malformed place becomes an item that throws when matching
 * gets there. A NUL ends a pattern (`%z` matches one). A position in the subject is counted from 0,
 * −1 stands for no match.
 *
 * Cost: compiled patterns are cached by their text. Each turn of a loop that backtracking can
 * multiply takes a step from the meter, so that a hopeless match can be interrupted. Recursion is as
 * deep as the pattern has items that can backtrack, at most ITEMS_DEEP_MAX.
 */
import { type LuaError, luaError } from '../errors.ts';
import { meter } from '../meter.ts';
import type { LuaValue } from '../values.ts';
import {
  ANY_CHARACTER,
  type CharacterSet,
  complement,
  escapedSet,
  singleSet,
} from './character-class.ts';

const CAPTURES_MAX = 32;
const ITEMS_DEEP_MAX = 2000;
const CACHED_PATTERNS_MAX = 500;
const CACHED_PATTERN_LENGTH_MAX = 1000;
const POSITION = -2;
const UNFINISHED = -1;
const NO_MATCH = -1;

const NUL = 0;
const DOLLAR = 36;
const PERCENT = 37;
const OPEN = 40;
const CLOSE = 41;
const STAR = 42;
const PLUS = 43;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
const QUESTION = 63;
const OPEN_SET = 91;
const CLOSE_SET = 93;
const CARET = 94;
const BALANCE = 98;
const FRONTIER = 102;

type Item =
  | { readonly kind: 'one' | 'optional' | 'many' | 'few'; readonly set: CharacterSet }
  | { readonly kind: 'some'; readonly set: CharacterSet }
  | { readonly kind: 'open'; readonly isPosition: boolean }
  | { readonly kind: 'close' }
  | { readonly kind: 'balance'; readonly from: number; readonly to: number }
  | { readonly kind: 'frontier'; readonly set: CharacterSet }
  | { readonly kind: 'again'; readonly capture: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'malformed'; readonly problem: string };

/** Reads a pattern's text. */
class PatternCompiler {
  readonly #text: string;
  #at: number;

  constructor(text: string, from: number) {
    this.#text = text;
    this.#at = from;
  }

  compile(): Item[] {
    const items: Item[] = [];
    while (this.#code(0) !== NUL) {
      const item = this.#item();
      items.push(item);
      if (item.kind === 'malformed') break;
    }
    return items;
  }

  /** NUL at the end, as in C. */
  #code(ahead: number): number {
    const at = this.#at + ahead;
    return at < this.#text.length ? this.#text.charCodeAt(at) : NUL;
  }

  #item(): Item {
    switch (this.#code(0)) {
      case OPEN:
        return this.#open();
      case CLOSE:
        this.#at++;
        return { kind: 'close' };
      case DOLLAR:
        if (this.#code(1) !== NUL) return this.#repeated();
        this.#at++;
        return { kind: 'end' };
      case PERCENT:
        return this.#escape();
      default:
        return this.#repeated();
    }
  }

  #open(): Item {
    const isPosition = this.#code(1) === CLOSE;
    this.#at += isPosition ? 2 : 1;
    return { kind: 'open', isPosition };
  }

  #escape(): Item {
    const code = this.#code(1);
    if (code === BALANCE) return this.#balance();
    if (code === FRONTIER) return this.#frontier();
    if (code < ZERO || code > NINE) return this.#repeated();
    this.#at += 2;
    return { kind: 'again', capture: code - ZERO - 1 };
  }

  #balance(): Item {
    const from = this.#code(2);
    const to = this.#code(3);
    if (from === NUL || to === NUL) return { kind: 'malformed', problem: 'unbalanced pattern' };
    this.#at += 4;
    return { kind: 'balance', from, to };
  }

  #frontier(): Item {
    this.#at += 2;
    if (this.#code(0) !== OPEN_SET) {
      return { kind: 'malformed', problem: "missing '[' after '%f' in pattern" };
    }
    const set = this.#single();
    return typeof set === 'string'
      ? { kind: 'malformed', problem: set }
      : { kind: 'frontier', set };
  }

  #repeated(): Item {
    const set = this.#single();
    if (typeof set === 'string') return { kind: 'malformed', problem: set };
    const kind = repetition(this.#code(0));
    if (kind !== 'one') this.#at++;
    return { kind, set };
  }

  /** What one character may be, or what is wrong. */
  #single(): CharacterSet | string {
    const code = this.#code(0);
    this.#at++;
    if (code === DOT) return ANY_CHARACTER;
    if (code === OPEN_SET) return this.#set();
    if (code !== PERCENT) return singleSet(code);
    if (this.#code(0) === NUL) return "malformed pattern (ends with '%')";
    this.#at++;
    return escapedSet(this.#code(-1));
  }

  /** After `[`. The first character is a member, also when it is `]`. */
  #set(): CharacterSet | string {
    const isComplement = this.#code(0) === CARET;
    if (isComplement) this.#at++;
    const start = this.#at;
    do {
      const code = this.#code(0);
      if (code === NUL) return "malformed pattern (missing ']')";
      this.#at++;
      if (code === PERCENT && this.#code(0) !== NUL) this.#at++;
    } while (this.#code(0) !== CLOSE_SET);
    const set = membersOf(this.#text, start, this.#at);
    this.#at++;
    return isComplement ? complement(set) : set;
  }
}

function repetition(code: number): 'one' | 'optional' | 'many' | 'some' | 'few' {
  if (code === STAR) return 'many';
  if (code === PLUS) return 'some';
  if (code === MINUS) return 'few';
  return code === QUESTION ? 'optional' : 'one';
}

function membersOf(text: string, start: number, end: number): CharacterSet {
  const set = new Uint8Array(ANY_CHARACTER.length);
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === PERCENT) {
      at++;
      const members = escapedSet(text.charCodeAt(at));
      for (let member = 0; member < set.length; member++) set[member]! |= members[member]!;
    } else if (text.charCodeAt(at + 1) === MINUS && at + 2 < end) {
      at += 2;
      set.fill(1, code, Math.max(code, text.charCodeAt(at) + 1));
    } else {
      set[code] = 1;
    }
  }
  return set;
}

/** Matches one pattern; holds the captures of the last match. */
export class Pattern {
  readonly #items: readonly Item[];
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];
  #level = 0;
  #depth = 0;
  #subject = '';

  /** `from`: where in the text the pattern begins (1 after an anchor). */
  constructor(text: string, from: number) {
    this.#items = new PatternCompiler(text, from).compile();
  }

  /** The end of a match that begins at `start`, or −1. */
  match(subject: string, start: number): number {
    this.#subject = subject;
    this.#level = 0;
    this.#depth = 0;
    return this.#match(start, 0);
  }

  #match(start: number, first: number): number {
    if (++this.#depth > ITEMS_DEEP_MAX) throw luaError('pattern too complex');
    const end = this.#run(start, first);
    this.#depth--;
    return end;
  }

  #run(start: number, first: number): number {
    const subject = this.#subject;
    let at = start;
    for (let index = first; index < this.#items.length; index++) {
      const item = this.#items[index]!;
      switch (item.kind) {
        case 'one':
          if (at >= subject.length || item.set[subject.charCodeAt(at)] === 0) return NO_MATCH;
          at++;
          break;
        case 'optional': {
          if (at < subject.length && item.set[subject.charCodeAt(at)] === 1) {
            const end = this.#match(at + 1, index + 1);
            if (end !== NO_MATCH) return end;
          }
          break;
        }
        case 'many':
          return this.#many(item.set, at, at, index + 1);
        case 'some':
          if (at >= subject.length || item.set[subject.charCodeAt(at)] === 0) return NO_MATCH;
          return this.#many(item.set, at + 1, at + 1, index + 1);
        case 'few':
          return this.#few(item.set, at, index + 1);
        case 'open':
          return this.#open(item.isPosition, at, index + 1);
        case 'close':
          return this.#close(at, index + 1);
        default:
          at = this.#rare(item, at);
          if (at === NO_MATCH) return NO_MATCH;
      }
    }
    return at;
  }

  /** As many as possible, then one less at a time. */
  #many(set: CharacterSet, least: number, from: number, next: number): number {
    const subject = this.#subject;
    let at = from;
    while (at < subject.length && set[subject.charCodeAt(at)] === 1) at++;
    meter.charge((at - from) >>> 4);
    if (next === this.#items.length) return at;
    for (; at >= least; at--) {
      meter.charge(1);
      const end = this.#match(at, next);
      if (end !== NO_MATCH) return end;
    }
    return NO_MATCH;
  }

  #few(set: CharacterSet, from: number, next: number): number {
    const subject = this.#subject;
    for (let at = from; ; at++) {
      meter.charge(1);
      const end = this.#match(at, next);
      if (end !== NO_MATCH) return end;
      if (at >= subject.length || set[subject.charCodeAt(at)] === 0) return NO_MATCH;
    }
  }

  #open(isPosition: boolean, at: number, next: number): number {
    const level = this.#level;
    if (level >= CAPTURES_MAX) throw luaError('too many captures');
    this.#starts[level] = at;
    this.#lengths[level] = isPosition ? POSITION : UNFINISHED;
    this.#level = level + 1;
    const end = this.#match(at, next);
    if (end === NO_MATCH) this.#level--;
    return end;
  }

  #close(at: number, next: number): number {
    let level = this.#level - 1;
    while (level >= 0 && this.#lengths[level] !== UNFINISHED) level--;
    if (level < 0) throw luaError('invalid pattern capture');
    this.#lengths[level] = at - this.#starts[level]!;
    const end = this.#match(at, next);
    if (end === NO_MATCH) this.#lengths[level] = UNFINISHED;
    return end;
  }

  #rare(item: Item, at: number): number {
    switch (item.kind) {
      case 'balance':
        return this.#balance(item.from, item.to, at);
      case 'frontier':
        return this.#isFrontier(item.set, at) ? at : NO_MATCH;
      case 'again':
        return this.#again(item.capture, at);
      case 'end':
        return at === this.#subject.length ? at : NO_MATCH;
      case 'malformed':
        throw luaError(item.problem);
      default:
        return NO_MATCH;
    }
  }

  #balance(from: number, to: number, at: number): number {
    const subject = this.#subject;
    if (subject.charCodeAt(at) !== from) return NO_MATCH;
    let open = 1;
    for (let end = at + 1; end < subject.length; end++) {
      const code = subject.charCodeAt(end);
      if (code === to) {
        open--;
        if (open === 0) {
          meter.charge((end - at) >>> 3);
          return end + 1;
        }
      } else if (code === from) {
        open++;
      }
    }
    meter.charge((subject.length - at) >>> 3);
    return NO_MATCH;
  }

  /** Both ends of the subject count as NUL. */
  #isFrontier(set: CharacterSet, at: number): boolean {
    const subject = this.#subject;
    const before = at === 0 ? NUL : subject.charCodeAt(at - 1);
    const here = at < subject.length ? subject.charCodeAt(at) : NUL;
    return set[before] === 0 && set[here] === 1;
  }

  #again(capture: number, at: number): number {
    if (capture < 0 || capture >= this.#level || this.#lengths[capture] === UNFINISHED) {
      throw luaError('invalid capture index');
    }
    const length = this.#lengths[capture]!;
    if (length === POSITION) return NO_MATCH;
    const start = this.#starts[capture]!;
    meter.charge(length >>> 4);
    const text = this.#subject.slice(start, start + length);
    return this.#subject.startsWith(text, at) ? at + length : NO_MATCH;
  }

  /** A capture of the match from `start` to `end`; without any, the first is the whole match. */
  capture(index: number, start: number, end: number): string | number {
    if (index >= this.#level) {
      if (index === 0) return this.#subject.slice(start, end);
      throw luaError('invalid capture index');
    }
    const from = this.#starts[index]!;
    const length = this.#lengths[index]!;
    if (length === POSITION) return from + 1;
    if (length === UNFINISHED) throw unfinished();
    return this.#subject.slice(from, from + length);
  }

  /** What was matched last. */
  get subject(): string {
    return this.#subject;
  }

  /** All captures, or the whole match when there are none. */
  captures(start: number, end: number): LuaValue[] {
    const count = Math.max(this.#level, 1);
    const values: LuaValue[] = [];
    for (let index = 0; index < count; index++) values.push(this.capture(index, start, end));
    return values;
  }

  /** The captures as they are. */
  ownCaptures(): LuaValue[] {
    return this.#level === 0 ? [] : this.captures(0, 0);
  }
}

function unfinished(): LuaError {
  return luaError('unfinished capture');
}

const anchored = new Map<string, Pattern>();
const free = new Map<string, Pattern>();

/**
 * The compiled form of a pattern. A match in progress owns it: whoever calls Lua code between a
 * match and the reading of its captures reads them first.
 */
export function patternOf(text: string, isAnchored: boolean): Pattern {
  const cache = isAnchored ? anchored : free;
  const known = cache.get(text);
  if (known !== undefined) return known;
  const pattern = new Pattern(text, isAnchored ? 1 : 0);
  if (text.length > CACHED_PATTERN_LENGTH_MAX) return pattern;
  if (cache.size >= CACHED_PATTERNS_MAX) cache.clear();
  cache.set(text, pattern);
  return pattern;
}

export function isAnchored(text: string): boolean {
  return text.charCodeAt(0) === CARET;
}

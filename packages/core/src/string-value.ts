/**
 * How a string's bytes lie in an entry, and how they get there.
 *
 *   inline   entry: │ header │ key │ expiry slot? │ bytes … │ spare │
 *   apart    entry: │ header │ key │ expiry slot? │ int32 ──┼──▶ block of its own: bytes … │ spare │
 *
 * A string is inline as long as the whole entry fits the arena's largest slot, and apart beyond
 * that, so that its key never moves because of a large value. A new value overwrites the old one
 * where it is when it fits and at least half of the block is needed; else the entry moves to a
 * block of the right size. APPEND and SETRANGE grow geometrically (`growFound`), as they tend to
 * come again. A large value that arrived in a block of its own is taken over without copying it.
 *
 * Integers have no form of their own: their digits are stored, INCR reads and writes them in
 * place, and `stringEncoding` answers `int` for what Redis would keep as an integer. Two bits of
 * the entry remember how the value came about, where Redis's name depends on that: RAW_FORCED
 * (changed in place: always `raw`) and NEVER_INT (INCRBYFLOAT: `embstr` whatever it holds).
 *
 * Functions named `…Found` act on the entry that the last lookup found, as in keyspace.ts.
 * Costs: overwriting with the same length is one copy; nothing here allocates on the V8 heap
 * except for blocks larger than a slot. Bytes are read through a StringSpan, which is reused.
 */
import { Block, copyBytes } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import {
  ENCODING_MASK,
  ENCODING_SHIFT,
  HAS_EXPIRY,
  headBytes,
  KEY_LENGTH,
  META,
  RAW_FORCED,
  STRING,
  TYPE_MASK,
  VALUE_APART,
  VALUE_LENGTH,
  valueOffset,
} from './entry.ts';
import type { Keyspace } from './keyspace.ts';
import { ADOPT_BYTES_MIN, ARENA_SLOT_BYTES_MAX } from './limits.ts';
import { isIntegerText } from './number-text.ts';
import { REQUEST_OWNS_BLOCK, type Request } from './request.ts';

/** The value never counts as `int`, though its digits may look like one. */
const NEVER_INT = 1 << ENCODING_SHIFT;
const FORM_MASK = RAW_FORCED | ENCODING_MASK;
/** Bits of the meta word that rule out the short way of `storeString`. */
const NOT_PLAIN = FORM_MASK | VALUE_APART | TYPE_MASK;

/** Deadlines for `store…`: the one the key has, or none. Others are ms since the epoch. */
export const KEEP_DEADLINE = -1;
export const NO_DEADLINE = Infinity;

/** Longest string that Redis keeps in one piece with its object. */
const EMBSTR_BYTES_MAX = 44;
/** Lengths are signed 32-bit words. */
export const STRING_LENGTH_MAX = 0x7fffffff;
/** Up to this size growing doubles, beyond it adds a quarter. */
const DOUBLING_BYTES_MAX = 1024 * 1024;

const NOTHING = Block.allocate(0);

/** Where the bytes of a string are. Valid until the next change of any entry. */
export class StringSpan {
  block: Block = NOTHING;
  offset = 0;
  length = 0;
  /** The bytes are in the entry, and nothing about them needs to be forgotten by a change. */
  isPlain = false;

  /** Points at the value of an entry; false when the entry is not a string. */
  locate(arena: Arena, reference: number): boolean {
    const page = arena.pages[pageOf(reference)];
    const { view } = page;
    const entry = offsetOf(reference) | 0;
    const meta = view.getInt32((entry + META) | 0, true);
    if ((meta & TYPE_MASK) !== STRING) return false;
    const head = headBytes(view.getInt32((entry + KEY_LENGTH) | 0, true), meta) | 0;
    const at = (entry + head) | 0;
    this.isPlain = (meta & NOT_PLAIN) === 0;
    this.length = view.getInt32((entry + VALUE_LENGTH) | 0, true);
    if ((meta & VALUE_APART) !== 0) {
      const apart = view.getInt32(at, true);
      this.block = arena.pages[pageOf(apart)];
      this.offset = offsetOf(apart);
    } else {
      this.block = page;
      this.offset = at;
    }
    return true;
  }

  /** The string as latin1 text (one character per byte). */
  text(): string {
    return this.block.bytes.latin1Slice(this.offset, this.offset + this.length);
  }
}

/** What OBJECT ENCODING answers for a string. */
export function stringEncoding(arena: Arena, reference: number): 'int' | 'embstr' | 'raw' {
  const span = new StringSpan();
  span.locate(arena, reference);
  const { view } = arena.pages[pageOf(reference)];
  const meta = view.getInt32(offsetOf(reference) + META, true);
  if ((meta & RAW_FORCED) !== 0 || span.length > EMBSTR_BYTES_MAX) return 'raw';
  if ((meta & NEVER_INT) !== 0) return 'embstr';
  return isIntegerText(span.block, span.offset, span.length) ? 'int' : 'embstr';
}

/** Makes an entry's value count as `embstr` or `raw`, not as `int`, until it is set anew. */
export function forbidInteger(keyspace: Keyspace, reference: number): void {
  keyspace.setMeta(reference, keyspace.metaOf(reference) | NEVER_INT);
}

/** Makes an entry's value count as `raw` until it is set anew: it was changed in place. */
export function forceRaw(keyspace: Keyspace, reference: number): void {
  keyspace.setMeta(reference, (keyspace.metaOf(reference) & ~FORM_MASK) | RAW_FORCED);
}

/**
 * Adds a string of `length` zero bytes, which counts as `raw`, under the key in argument `k`, which
 * is known to be absent. Returns the entry's reference. A large one is zeroed by the system.
 */
export function insertZeros(
  keyspace: Keyspace,
  request: Request,
  k: number,
  length: number,
): number {
  const { arena } = keyspace;
  const isApart = headBytes(request.length(k), HAS_EXPIRY) + length > ARENA_SLOT_BYTES_MAX;
  const reference = keyspace.insertArgument(request, k, STRING, isApart ? 4 : length);
  if (isApart) {
    setApart(arena, reference, arena.adopt(new Block(Buffer.alloc(length))), length);
  } else {
    const page = arena.pages[pageOf(reference)];
    const at = valueOffset(page, offsetOf(reference));
    page.bytes.fill(0, at, at + length);
  }
  forceRaw(keyspace, reference);
  return reference;
}

/**
 * Adds a string under a key that is known to be absent and returns the entry's reference.
 * `deadline`: ms since the epoch, or NO_DEADLINE.
 */
export function insertString(
  keyspace: Keyspace,
  key: Block,
  keyOffset: number,
  keyLength: number,
  hash: number,
  source: Block,
  offset: number,
  length: number,
  deadline: number,
): number {
  const { arena } = keyspace;
  const expires = deadline !== NO_DEADLINE;
  const isApart = headBytes(keyLength, HAS_EXPIRY) + length > ARENA_SLOT_BYTES_MAX;
  const inlineBytes = isApart ? 4 : length;
  const reference = keyspace.insert(key, keyOffset, keyLength, hash, STRING, inlineBytes, expires);
  if (isApart) {
    setApart(arena, reference, copyApart(arena, source, offset, length), length);
  } else {
    const page = arena.pages[pageOf(reference)];
    copyBytes(page, valueOffset(page, offsetOf(reference)), source, offset, length);
  }
  if (expires) keyspace.expiries.add(reference, hash, deadline);
  return reference;
}

/**
 * Sets the key in argument `k` to `length` bytes of `source` (which lies outside the arena).
 * `reference` is what `lookupWrite(request, k)` has just found, 0 for nothing; a value of another
 * type is replaced. Returns the entry's reference.
 */
export function storeString(
  keyspace: Keyspace,
  request: Request,
  k: number,
  reference: number,
  source: Block,
  offset: number,
  length: number,
  deadline: number,
): number {
  if (reference !== 0) {
    const page = keyspace.arena.pages[pageOf(reference)];
    const { view } = page;
    const entry = offsetOf(reference) | 0;
    const meta = view.getInt32((entry + META) | 0, true);
    const isPlain =
      (meta & NOT_PLAIN) === 0 && ((meta & HAS_EXPIRY) === 0 || deadline === KEEP_DEADLINE);
    if (isPlain && view.getInt32((entry + VALUE_LENGTH) | 0, true) === length) {
      const head = headBytes(view.getInt32((entry + KEY_LENGTH) | 0, true), meta);
      copyBytes(page, (entry + head) | 0, source, offset, length);
      return expireFound(keyspace, reference, deadline);
    }
  }
  return storeAnew(keyspace, request, k, reference, source, offset, length, deadline);
}

/** `storeString` for all but the overwriting of a plain string by another of the same length. */
function storeAnew(
  keyspace: Keyspace,
  request: Request,
  k: number,
  reference: number,
  source: Block,
  offset: number,
  length: number,
  deadline: number,
): number {
  if (reference !== 0 && keyspace.typeOf(reference) === STRING) {
    const target = replaceFound(keyspace, reference, source, offset, length, deadline);
    return expireFound(keyspace, target, deadline);
  }
  let newDeadline = deadline;
  if (deadline === KEEP_DEADLINE) {
    newDeadline = reference === 0 ? NO_DEADLINE : keyspace.deadlineOf(reference);
  }
  if (reference !== 0) keyspace.removeFound();
  return insertString(
    keyspace,
    request.block,
    request.offset(k),
    request.length(k),
    keyspace.hashOf(request, k),
    source,
    offset,
    length,
    newDeadline,
  );
}

function expireFound(keyspace: Keyspace, reference: number, deadline: number): number {
  if (deadline === NO_DEADLINE || deadline === KEEP_DEADLINE) return reference;
  return keyspace.expireFoundAt(reference, deadline);
}

/** Sets the key in argument `k` to argument `v`; see `storeString`. Takes large values over. */
export function storeArgument(
  keyspace: Keyspace,
  request: Request,
  k: number,
  v: number,
  reference: number,
  deadline: number,
): number {
  const length = request.length(v);
  if (length >= ADOPT_BYTES_MIN && mayAdopt(request, length)) {
    return storeAdopted(keyspace, request, k, v, reference, deadline);
  }
  const offset = request.offset(v);
  return storeString(keyspace, request, k, reference, request.block, offset, length, deadline);
}

/** The whole block stays in memory with the value, so most of it must be the value. */
function mayAdopt(request: Request, length: number): boolean {
  const size = request.block.bytes.length;
  return (request.flags & REQUEST_OWNS_BLOCK) !== 0 && length >= size - (size >> 3);
}

function storeAdopted(
  keyspace: Keyspace,
  request: Request,
  k: number,
  v: number,
  found: number,
  deadline: number,
): number {
  const { arena } = keyspace;
  const from = request.offset(v);
  const length = request.length(v);
  // An empty string first: it settles type, deadline and the old value's memory.
  const reference = storeString(keyspace, request, k, found, request.block, from, 0, deadline);
  keyspace.map.findReference(keyspace.hashOf(request, k), reference);
  const value = new Block(request.block.bytes.subarray(from, from + length));
  return moveApartFound(keyspace, reference, arena.adopt(value), length);
}

/** Replaces the string of the found entry. Of the deadline, only drops it (NO_DEADLINE). */
function replaceFound(
  keyspace: Keyspace,
  reference: number,
  source: Block,
  offset: number,
  length: number,
  deadline: number,
): number {
  const { arena } = keyspace;
  const page = arena.pages[pageOf(reference)];
  const entry = offsetOf(reference);
  const meta = page.view.getInt32(entry + META, true);
  const apart = (meta & VALUE_APART) === 0 ? 0 : page.view.getInt32(valueOffset(page, entry), true);
  let kept = meta & ~(FORM_MASK | VALUE_APART);
  if (deadline === NO_DEADLINE && (meta & HAS_EXPIRY) !== 0) {
    keyspace.persist(reference);
    kept &= ~HAS_EXPIRY;
  }
  const keyLength = page.view.getInt32(entry + KEY_LENGTH, true);
  const head = headBytes(keyLength, kept);
  const isApart = headBytes(keyLength, HAS_EXPIRY) + length > ARENA_SLOT_BYTES_MAX;
  const reusesApart = isApart && apart !== 0 && suits(arena.sizeOf(apart), length);
  // From here on the old value is gone: head and value of the entry follow the new meta word.
  page.view.setInt32(entry + META, kept, true);
  if (apart !== 0 && !reusesApart) arena.free(apart);
  let target: number;
  if (reusesApart) {
    target = moveApartFound(keyspace, reference, apart, length);
    copyBytes(arena.pages[pageOf(apart)], offsetOf(apart), source, offset, length);
  } else if (isApart) {
    const copied = copyApart(arena, source, offset, length);
    target = moveApartFound(keyspace, reference, copied, length);
  } else {
    target = fitFound(keyspace, reference, head, length);
    const to = arena.pages[pageOf(target)];
    to.view.setInt32(offsetOf(target) + VALUE_LENGTH, length, true);
    copyBytes(to, offsetOf(target) + head, source, offset, length);
  }
  return target;
}

/** True when a block of `size` bytes holds `needed` bytes and is not more than twice that. */
function suits(size: number, needed: number): boolean {
  return needed <= size && size <= 2 * needed;
}

/** Moves the found entry when its block is too small or far too large; the value is lost. */
function fitFound(keyspace: Keyspace, reference: number, head: number, bytes: number): number {
  if (suits(keyspace.arena.sizeOf(reference), head + bytes)) return reference;
  return keyspace.resizeFound(reference, bytes, 0);
}

/** Copies bytes to a new block of the arena. */
function copyApart(arena: Arena, source: Block, offset: number, length: number): number {
  const apart = arena.allocate(length);
  copyBytes(arena.pages[pageOf(apart)], offsetOf(apart), source, offset, length);
  return apart;
}

/** Makes the block `apart` the value of the found entry, which shrinks to hold the reference. */
function moveApartFound(
  keyspace: Keyspace,
  reference: number,
  apart: number,
  length: number,
): number {
  const page = keyspace.arena.pages[pageOf(reference)];
  const entry = offsetOf(reference);
  const head = valueOffset(page, entry) - entry;
  const target = fitFound(keyspace, reference, head, 4);
  setApart(keyspace.arena, target, apart, length);
  return target;
}

function setApart(arena: Arena, reference: number, apart: number, length: number): void {
  const page = arena.pages[pageOf(reference)];
  const entry = offsetOf(reference);
  const meta = page.view.getInt32(entry + META, true);
  page.view.setInt32(entry + META, meta | VALUE_APART, true);
  page.view.setInt32(entry + VALUE_LENGTH, length, true);
  page.view.setInt32(valueOffset(page, entry), apart, true);
}

/**
 * Makes the string of the found entry `total` bytes long (not less than it is), leaving room for
 * more. The old bytes stay, the new ones are undefined: the caller writes them all. The string
 * counts as `raw` from now on. Returns the entry's reference.
 */
export function growFound(keyspace: Keyspace, reference: number, total: number): number {
  const { arena } = keyspace;
  const page = arena.pages[pageOf(reference)];
  const entry = offsetOf(reference);
  const meta = page.view.getInt32(entry + META, true);
  const target =
    (meta & VALUE_APART) !== 0
      ? growApart(arena, reference, total)
      : growInlineFound(keyspace, reference, total);
  const { view } = arena.pages[pageOf(target)];
  const at = offsetOf(target);
  const form = view.getInt32(at + META, true) & ~FORM_MASK;
  view.setInt32(at + META, form | RAW_FORCED, true);
  view.setInt32(at + VALUE_LENGTH, total, true);
  return target;
}

/** `growFound` to more bytes than there are, which are zeros. */
export function growZeros(keyspace: Keyspace, reference: number, total: number): number {
  grown.locate(keyspace.arena, reference);
  const { length } = grown;
  const target = growFound(keyspace, reference, total);
  grown.locate(keyspace.arena, target);
  grown.block.bytes.fill(0, grown.offset + length, grown.offset + total);
  return target;
}

/** Reused by `growZeros`. */
const grown = new StringSpan();

function growApart(arena: Arena, reference: number, total: number): number {
  const page = arena.pages[pageOf(reference)];
  const entry = offsetOf(reference);
  const at = valueOffset(page, entry);
  const apart = page.view.getInt32(at, true);
  if (total <= arena.sizeOf(apart)) return reference;
  const length = page.view.getInt32(entry + VALUE_LENGTH, true);
  const grown = arena.allocate(roomFor(total));
  const from = arena.pages[pageOf(apart)];
  copyBytes(arena.pages[pageOf(grown)], offsetOf(grown), from, offsetOf(apart), length);
  page.view.setInt32(at, grown, true);
  arena.free(apart);
  return reference;
}

function growInlineFound(keyspace: Keyspace, reference: number, total: number): number {
  const { arena } = keyspace;
  const page = arena.pages[pageOf(reference)];
  const entry = offsetOf(reference);
  const head = valueOffset(page, entry) - entry;
  if (head + total <= arena.sizeOf(reference)) return reference;
  const length = page.view.getInt32(entry + VALUE_LENGTH, true);
  // Room for an expiry slot is left, so that a deadline does not push the entry out of its slot.
  const inlineMax = ARENA_SLOT_BYTES_MAX - head - 4;
  if (total <= inlineMax) {
    return keyspace.resizeFound(reference, Math.min(roomFor(total), inlineMax), length);
  }
  const apart = arena.allocate(roomFor(total));
  copyBytes(arena.pages[pageOf(apart)], offsetOf(apart), page, entry + head, length);
  return moveApartFound(keyspace, reference, apart, length);
}

function roomFor(total: number): number {
  const spare = total < DOUBLING_BYTES_MAX ? total : total >> 2;
  return Math.min(total + spare, STRING_LENGTH_MAX);
}

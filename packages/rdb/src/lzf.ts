/**
 * LZF, the compression of strings inside RDB files, compatible in both directions with the liblzf
 * that Redis carries.
 *
 * The format is a sequence of two kinds of run; the first byte tells which:
 *
 *     000LLLLL  bytes…             literals: L+1 bytes (1–32) follow
 *     LLLooooo  oooooooo           L in 1–6: copy L+2 bytes from `o+1` bytes back
 *     111ooooo  LLLLLLLL oooooooo  copy L+9 bytes (9–264) from `o+1` bytes back
 *
 * A copy may overlap its own output, which is how a run of one byte is written.
 *
 * Compression keeps a hash table from three bytes to the last place they were seen. Clearing it
 * for each short string would cost more than the compression, so entries are stamped: position
 * plus a base that moves on with every call, and everything below the base is stale.
 *
 * Cost: linear in the input; decompression does at most `outputLength` byte copies, whatever the
 * input says, so corrupt input ends in an error and never in a hang. 64 KB of table per thread.
 *
 * Source: the LZF format by Marc Lehmann (liblzf 3.6); this is a fresh implementation.
 */

import { RdbFormatError } from './rdb-format-error.ts';

const HASH_BITS = 14;
const LITERALS_MAX = 32;
const OFFSET_MAX = 1 << 13;
const COPY_MAX = 264;
const STAMP_MAX = 0x7fff_ffff;

const table = new Int32Array(1 << HASH_BITS);
/** Entries below it are stale; an entry is `base + position`. Starts at 1: 0 is "never set". */
let base = 1;
/** One past the highest entry that the current call can make. */
let baseNext = 1;

/**
 * Compresses input[start, end) to output[outStart, outEnd).
 *
 * Returns the number of bytes written, or 0 when they do not fit: choose `outEnd` so that a
 * result which is not worth its decompression does not fit.
 */
export function lzfCompress(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outStart: number,
  outEnd: number,
): number {
  advanceBase(end - start);
  // `stamp + at` is the entry for position `at`; `entry - stamp` is the position of an entry.
  const stamp = base - start;
  const lastTriple = end - 3;
  let out = outStart;
  let literals = start;
  let at = start;
  while (at <= lastTriple) {
    const slot = hashTriple(input, at);
    const seen = table[slot] - stamp;
    table[slot] = stamp + at;
    if (seen < start || at - seen > OFFSET_MAX || !sameTriple(input, seen, at)) {
      at++;
      continue;
    }
    const length = matchLength(input, seen, at, Math.min(end - at, COPY_MAX));
    out = writeLiterals(input, literals, at, output, out, outEnd);
    if (out < 0 || out + 3 > outEnd) return 0;
    out = writeCopy(output, out, length, at - seen - 1);
    // The last two positions of the copy are worth remembering: repeats tend to go on there.
    for (let near = at + length - 2; near < at + length; near++) {
      if (near <= lastTriple) table[hashTriple(input, near)] = stamp + near;
    }
    at += length;
    literals = at;
  }
  out = writeLiterals(input, literals, end, output, out, outEnd);
  return out < 0 ? 0 : out - outStart;
}

/**
 * Decompresses input[start, end) into exactly output[outStart, outEnd).
 *
 * Throws RdbFormatError, with the offset of the bad run in `input`, when a run leaves the input
 * or the output, when a copy reaches back before outStart, or when the sizes do not agree.
 */
export function lzfDecompress(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outStart: number,
  outEnd: number,
): void {
  let at = start;
  let out = outStart;
  while (at < end) {
    const run = at;
    const control = input[at++];
    if (control < LITERALS_MAX) {
      const stop = at + control + 1;
      if (stop > end || out + control + 1 > outEnd) throw corrupt(run);
      while (at < stop) output[out++] = input[at++];
      continue;
    }
    let length = control >>> 5;
    if (length === 7) {
      if (at >= end) throw corrupt(run);
      length += input[at++];
    }
    length += 2;
    if (at >= end) throw corrupt(run);
    const from = out - (((control & 0x1f) << 8) | input[at++]) - 1;
    if (from < outStart || out + length > outEnd) throw corrupt(run);
    for (let copied = 0; copied < length; copied++) output[out + copied] = output[from + copied];
    out += length;
  }
  if (out !== outEnd) throw corrupt(end);
}

function corrupt(offset: number): RdbFormatError {
  return new RdbFormatError('corrupt LZF data', offset);
}

/** Makes all entries of earlier calls stale and leaves `span` stamps free. */
function advanceBase(span: number): void {
  base = baseNext;
  if (base > STAMP_MAX - span) {
    table.fill(0);
    base = 1;
  }
  baseNext = base + span;
}

function hashTriple(input: Uint8Array, at: number): number {
  const triple = (input[at] << 16) | (input[at + 1] << 8) | input[at + 2];
  return Math.imul(triple, 0x9e3779b1) >>> (32 - HASH_BITS);
}

function sameTriple(input: Uint8Array, a: number, b: number): boolean {
  return input[a] === input[b] && input[a + 1] === input[b + 1] && input[a + 2] === input[b + 2];
}

/** How many bytes agree; the first three are known to. */
function matchLength(input: Uint8Array, a: number, b: number, lengthMax: number): number {
  let length = 3;
  while (length < lengthMax && input[a + length] === input[b + length]) length++;
  return length;
}

/** Writes input[start, end) as literal runs; returns the new end of the output, or -1. */
function writeLiterals(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outStart: number,
  outEnd: number,
): number {
  let at = start;
  let out = outStart;
  while (at < end) {
    const stop = Math.min(end, at + LITERALS_MAX);
    if (out + 1 + stop - at > outEnd) return -1;
    output[out++] = stop - at - 1;
    while (at < stop) output[out++] = input[at++];
  }
  return out;
}

function writeCopy(output: Uint8Array, outStart: number, length: number, offset: number): number {
  const code = length - 2;
  let out = outStart;
  if (code < 7) {
    output[out++] = (code << 5) | (offset >>> 8);
  } else {
    output[out++] = (7 << 5) | (offset >>> 8);
    output[out++] = code - 7;
  }
  output[out++] = offset & 0xff;
  return out;
}

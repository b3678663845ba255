/**
 * Geohashes as Redis keeps them: a position is the score of a sorted set's member.
 *
 *   score, 52 bits   x25 y25 x24 y24 … x0 y0
 *
 * Longitude (x) and latitude (y, within the bounds of the web Mercator projection) are each divided
 * into 2^26 cells, and the bits of the two cell numbers alternate. So a square of cells with a common
 * beginning is a range of scores. A cell number may be 2^26 itself: 180 degrees belong to no cell.
 *
 * Scores are doubles and may be anything that ZADD took; they are read as Redis's conversion to 64
 * bits reads them on x86-64. Interleaving works on two words, without bigint.
 *
 * Geohash: G. Niemeyer, 2008; the alternating bits: G. M. Morton, 1966.
 */

export const LONGITUDE_MAX = 180;
export const LATITUDE_MAX = 85.05112878;
/** Bits of a cell number in a score. */
export const STEP_MAX = 26;
const LATITUDE_SPAN = LATITUDE_MAX - -LATITUDE_MAX;
const LONGITUDE_SPAN = LONGITUDE_MAX - -LONGITUDE_MAX;
/** Latitudes in the text form go to the poles. */
const TEXT_LATITUDE_MAX = 90;
const TEXT_LATITUDE_SPAN = 180;

const WORD = 2 ** 32;
const INT64_BOUND = 2 ** 63;

/** Spreads the lower 16 bits of a number: each is followed by a 0. */
function spread(value: number): number {
  let bits = value & 0xffff;
  bits = (bits | (bits << 8)) & 0x00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x33333333;
  return (bits | (bits << 1)) & 0x55555555;
}

/** The opposite of `spread`: every second bit of a word. */
function gather(value: number): number {
  let bits = value & 0x55555555;
  bits = (bits | (bits >>> 1)) & 0x33333333;
  bits = (bits | (bits >>> 2)) & 0x0f0f0f0f;
  bits = (bits | (bits >>> 4)) & 0x00ff00ff;
  return (bits | (bits >>> 8)) & 0xffff;
}

/** A square of the map: cell numbers of `step` bits. */
export class Cell {
  x = 0;
  y = 0;
  /** 0: no cell at all. */
  step = 0;

  set(x: number, y: number, step: number): this {
    this.x = x;
    this.y = y;
    this.step = step;
    return this;
  }

  /** The cell that a position within the bounds is in. */
  encode(longitude: number, latitude: number, step: number): this {
    return this.set(
      cellNumber((longitude + LONGITUDE_MAX) / LONGITUDE_SPAN, step),
      cellNumber((latitude + LATITUDE_MAX) / LATITUDE_SPAN, step),
      step,
    );
  }

  /** The cell of 26 bits that a score stands for. */
  decode(score: number): this {
    readWords(score);
    const x = ((gather(highWord >>> 1) << 16) | gather(lowWord >>> 1)) >>> 0;
    const y = ((gather(highWord) << 16) | gather(lowWord)) >>> 0;
    return this.set(x, y, STEP_MAX);
  }

  equals(other: Cell): boolean {
    return this.x === other.x && this.y === other.y && this.step === other.step;
  }

  /** Lowest score of a position in this cell; with `next` 1 the lowest above all of them. */
  score(next: 0 | 1): number {
    interleave(this.x, this.y);
    const low = (lowWord >>> 0) + next;
    const high = highWord >>> 0;
    return (high * WORD + low) * 4 ** (STEP_MAX - this.step);
  }

  /** A neighbour: `dx` and `dy` are −1, 0 or 1. It goes around at the map's edges. */
  move(from: Cell, dx: number, dy: number): this {
    const mask = 2 ** from.step - 1;
    const x = dx === 0 ? from.x : (from.x + dx) & mask;
    const y = dy === 0 ? from.y : (from.y + dy) & mask;
    return this.set(x, y, from.step);
  }

  get west(): number {
    return -LONGITUDE_MAX + (this.x / 2 ** this.step) * LONGITUDE_SPAN;
  }

  get east(): number {
    return -LONGITUDE_MAX + (following(this.x) / 2 ** this.step) * LONGITUDE_SPAN;
  }

  get south(): number {
    return -LATITUDE_MAX + (this.y / 2 ** this.step) * LATITUDE_SPAN;
  }

  get north(): number {
    return -LATITUDE_MAX + (following(this.y) / 2 ** this.step) * LATITUDE_SPAN;
  }

  /** Middle of the cell, within the bounds. */
  get longitude(): number {
    return within((this.west + this.east) / 2, LONGITUDE_MAX);
  }

  get latitude(): number {
    return within((this.south + this.north) / 2, LATITUDE_MAX);
  }
}

function cellNumber(share: number, step: number): number {
  return Math.floor(share * 2 ** step);
}

/** Cell numbers of odd scores have 32 bits, and so has the next one. */
function following(cell: number): number {
  return (cell + 1) >>> 0;
}

function within(value: number, bound: number): number {
  return Math.min(Math.max(value, -bound), bound);
}

/** The two words of the last `interleave` or `readWords`. */
let lowWord = 0;
let highWord = 0;

function interleave(x: number, y: number): void {
  lowWord = spread(y) | (spread(x) << 1);
  highWord = spread(y >>> 16) | (spread(x >>> 16) << 1);
}

/** A score as 64 bits: toward zero, two's complement, and what the processor makes of the rest. */
function readWords(score: number): void {
  let whole = Math.trunc(score);
  let flipped = 0;
  if (whole >= INT64_BOUND) {
    whole -= INT64_BOUND;
    flipped = 0x80000000;
  }
  // What does not fit is the lowest number.
  if (whole >= INT64_BOUND || whole < -INT64_BOUND) whole = -INT64_BOUND;
  const high = Math.floor(whole / WORD);
  lowWord = (whole - high * WORD) | 0;
  highWord = high ^ flipped;
}

/** Score of a position within the bounds. */
export function scoreOfPosition(longitude: number, latitude: number): number {
  return position.encode(longitude, latitude, STEP_MAX).score(0);
}

const position = new Cell();

const ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz';
const TEXT_LENGTH = 11;

/**
 * The standard text of a position, base 32. Latitudes are encoded anew, because the standard takes
 * them from pole to pole. 52 bits make ten letters and two bits; Redis's eleventh is always `0`.
 */
export function geohashText(longitude: number, latitude: number): string {
  const x = cellNumber((longitude + LONGITUDE_MAX) / LONGITUDE_SPAN, STEP_MAX);
  const y = cellNumber((latitude + TEXT_LATITUDE_MAX) / TEXT_LATITUDE_SPAN, STEP_MAX);
  interleave(x, y);
  const value = (highWord >>> 0) * WORD + (lowWord >>> 0);
  let text = '';
  for (let i = 1; i < TEXT_LENGTH; i++) {
    text += ALPHABET[Math.floor(value / 2 ** (2 * STEP_MAX - 5 * i)) % 32];
  }
  return `${text}0`;
}

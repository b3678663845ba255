/**
 * Sorts the first few of many, in the order in which Redis leaves equal ones.
 *
 * The quicksort of J. L. Bentley and M. D. McIlroy ("Engineering a sort function", Software:
 * Practice and Experience 23, 1993): the pivot is a median of three, or of three such medians;
 * equal elements go to the ends while partitioning and to the middle afterwards. Parts that lie
 * wholly behind the wanted elements are left as they are; others wait on a stack, so depth costs no
 * recursion.
 *
 * Costs: O(n + k log k) on average for the first k of n; like every quicksort it can be made to take
 * O(n²).
 */

const INSERTION_MAX = 6;
const NINTHER_MIN = 41;

/** What is not a number is below everything, as C's comparisons have it. */
export function compareKeys(a: number, b: number): number {
  if (a > b) return 1;
  return a === b ? 0 : -1;
}

export class PartialSorter {
  #order: Int32Array = new Int32Array(0);
  #keys: Float64Array = new Float64Array(0);
  #sign = 1;
  readonly #waiting: number[] = [];

  /**
   * Rearranges the first `length` of `order` so that the first `wanted` are those with the lowest
   * (`sign` 1) or highest (−1) keys, in order. `order` has indexes of `keys`.
   */
  sort(order: Int32Array, keys: Float64Array, length: number, wanted: number, sign: 1 | -1): void {
    this.#order = order;
    this.#keys = keys;
    this.#sign = sign;
    this.#waiting.push(0, length);
    while (this.#waiting.length > 0) {
      const count = this.#waiting.pop() as number;
      const from = this.#waiting.pop() as number;
      if (count <= INSERTION_MAX) this.#insertionSort(from, count);
      else this.#partition(from, count, wanted);
    }
  }

  #compare(a: number, b: number): number {
    return compareKeys(this.#keys[this.#order[a]], this.#keys[this.#order[b]]) * this.#sign;
  }

  #swap(a: number, b: number): void {
    const order = this.#order;
    const kept = order[a];
    order[a] = order[b];
    order[b] = kept;
  }

  #swapRuns(a: number, b: number, length: number): void {
    for (let i = 0; i < length; i++) this.#swap(a + i, b + i);
  }

  #insertionSort(from: number, count: number): void {
    for (let i = from + 1; i < from + count; i++) {
      for (let j = i; j > from && this.#compare(j - 1, j) > 0; j--) this.#swap(j, j - 1);
    }
  }

  #median(a: number, b: number, c: number): number {
    if (this.#compare(a, b) < 0) {
      if (this.#compare(b, c) < 0) return b;
      return this.#compare(a, c) < 0 ? c : a;
    }
    if (this.#compare(b, c) > 0) return b;
    return this.#compare(a, c) < 0 ? a : c;
  }

  #pivot(from: number, count: number): number {
    let first = from;
    let middle = from + (count >> 1);
    let last = from + count - 1;
    if (count === INSERTION_MAX + 1) return middle;
    if (count >= NINTHER_MIN) {
      const step = count >> 3;
      first = this.#median(first, first + step, first + 2 * step);
      middle = this.#median(middle - step, middle, middle + step);
      last = this.#median(last - 2 * step, last - step, last);
    }
    return this.#median(first, middle, last);
  }

  #partition(from: number, count: number, wanted: number): void {
    const end = from + count;
    this.#swap(from, this.#pivot(from, count));
    // Equal to the pivot: before `equalLow` and behind `equalHigh`. Between: below, unseen, above.
    let equalLow = from + 1;
    let low = from + 1;
    let equalHigh = end - 1;
    let high = end - 1;
    for (;;) {
      for (; low <= high; low++) {
        const order = this.#compare(low, from);
        if (order > 0) break;
        if (order < 0) continue;
        this.#swap(equalLow++, low);
      }
      for (; low <= high; high--) {
        const order = this.#compare(high, from);
        if (order < 0) break;
        if (order > 0) continue;
        this.#swap(high, equalHigh--);
      }
      if (low > high) break;
      this.#swap(low++, high--);
    }
    const below = low - equalLow;
    const above = equalHigh - high;
    const moved = Math.min(equalLow - from, below);
    this.#swapRuns(from, low - moved, moved);
    const movedHigh = Math.min(above, end - equalHigh - 1);
    this.#swapRuns(low, end - movedHigh, movedHigh);
    if (above > 1 && end - above < wanted) this.#waiting.push(end - above, above);
    if (below > 1 && from < wanted) this.#waiting.push(from, below);
  }
}

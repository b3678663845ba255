/**
 * Objects in the order of their names, as bytes: the consumer groups of a stream and the consumers
 * of a group. Redis keeps them in radix trees, and replies list them in this order.
 *
 * Found by binary search over the bytes of a request, without making a string. Costs: find
 * O(log n), insert and remove move the pointers behind the place.
 */
import type { Block } from '@hashlane/resp';

export interface Named {
  readonly name: Block;
}

export class NamedList<T extends Named> {
  readonly all: T[] = [];
  /** Where the last `find` found, or would have found, the name. */
  #place = 0;

  get size(): number {
    return this.all.length;
  }

  find(block: Block, offset: number, length: number): T | undefined {
    const { all } = this;
    let low = 0;
    let high = all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = compareBytes(all[middle].name, block, offset, length);
      if (order === 0) {
        this.#place = middle;
        return all[middle];
      }
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    this.#place = low;
    return undefined;
  }

  /** Adds an object where `find` of its name has just failed. */
  insert(object: T): void {
    if (this.#place === this.all.length) this.all.push(object);
    else this.all.splice(this.#place, 0, object);
  }

  /** Removes the object that `find` has just found. */
  removeFound(): void {
    this.all.splice(this.#place, 1);
  }
}

/** Negative, 0 or positive, as a whole name is before, equal to or after a span of bytes. */
function compareBytes(name: Block, block: Block, offset: number, length: number): number {
  const ours = name.bytes;
  const theirs = block.bytes;
  const shared = Math.min(ours.length, length);
  for (let i = 0; i < shared; i++) {
    const difference = ours[i] - theirs[offset + i];
    if (difference !== 0) return difference;
  }
  return ours.length - length;
}

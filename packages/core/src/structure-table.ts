/**
 * The JavaScript objects of large values: hash tables, trees, stream directories. A key's entry is
 * bytes in the arena and cannot hold an object, so its descriptor holds a slot number of this table
 * (one per arena; 0 is no slot).
 *
 * Only large values have objects, a few for hundreds of elements each, so the garbage collector
 * sees few of them. What they hold outside the arena (tables) they count in `arena.tableBytes`.
 */
import { invariant } from './invariant.ts';

export class StructureTable {
  readonly #objects: unknown[] = [undefined];
  readonly #free: number[] = [];

  /** Keeps an object and returns its slot, 1 or more. */
  add(object: object): number {
    const slot = this.#free.pop() ?? this.#objects.length;
    this.#objects[slot] = object;
    return slot;
  }

  /** The object in a slot, which must be in use. The type is the caller's to know. */
  get<T extends object>(slot: number): T {
    return this.#objects[slot] as T;
  }

  /** Puts another object in a slot's place. */
  replace(slot: number, object: object): void {
    invariant(this.#objects[slot] !== undefined, 'the slot is free');
    this.#objects[slot] = object;
  }

  /** Forgets the object. What it holds in the arena must be freed before. */
  remove(slot: number): void {
    invariant(slot > 0 && this.#objects[slot] !== undefined, 'the slot is free');
    this.#objects[slot] = undefined;
    this.#free.push(slot);
  }

  /** Objects in use. */
  get size(): number {
    return this.#objects.length - 1 - this.#free.length;
  }
}

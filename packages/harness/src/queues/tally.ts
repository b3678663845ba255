/**
 * Who was done how often, kept outside of the server under test: `done` is called by whatever
 * works on a job, `reached` waits for a number of them, and `assertOnce` holds each id to one.
 */
import assert from 'node:assert/strict';
import { QUEUE_WAIT_MS_MAX } from '../limits.ts';

export class Tally {
  /** Ids in the order in which they were done. */
  readonly order: string[] = [];
  readonly #counts = new Map<string, number>();
  #waiting: Array<{ readonly count: number; readonly resolve: () => void }> = [];

  done(id: string | number | undefined): void {
    const name = String(id);
    this.order.push(name);
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    for (const { count, resolve } of this.#waiting) if (this.order.length >= count) resolve();
    this.#waiting = this.#waiting.filter(({ count }) => this.order.length < count);
  }

  get count(): number {
    return this.order.length;
  }

  countOf(id: string | undefined): number {
    return this.#counts.get(String(id)) ?? 0;
  }

  /** Resolves when that many were done; rejects with how far it came. */
  async reached(count: number): Promise<void> {
    if (this.count >= count) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ count, resolve });
    const timer = setTimeout(
      () => reject(new Error(`${this.count} of ${count} jobs were done in time`)),
      QUEUE_WAIT_MS_MAX,
    );
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Every one of these, and nothing else, exactly once. */
  assertOnce(ids: Iterable<string | number | undefined>): void {
    const wanted = new Set([...ids].map(String));
    const missing = [...wanted].filter((id) => !this.#counts.has(id));
    const repeated = [...this.#counts].filter(([, count]) => count > 1);
    const strangers = [...this.#counts.keys()].filter((id) => !wanted.has(id));
    assert.deepEqual(
      { missing, repeated, strangers },
      { missing: [], repeated: [], strangers: [] },
    );
  }
}

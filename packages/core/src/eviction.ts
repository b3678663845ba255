/**
 * maxmemory: makes room before a command that may use more memory, by the policies of Redis.
 *
 * As in Redis, a few keys are sampled and the best candidate goes: the longest unused (LRU), the
 * least used (LFU, Morris counter with decay), the one that expires first (ttl) or any (random).
 * Candidates of one round are kept in no pool: the sample is drawn anew, which costs some accuracy
 * and no memory. LFU's clock word is (minutes << 8 | counter).
 *
 * Source of the counter: Redis's LFU as documented (logarithmic counter, lfu-log-factor,
 * lfu-decay-time).
 */
import type { Block } from '@hashlane/resp';
import { offsetOf, pageOf } from './arena.ts';
import type { Engine } from './engine.ts';
import { CLOCK } from './entry.ts';
import type { Keyspace } from './keyspace.ts';
import { EVICTION_SAMPLES_MAX } from './limits.ts';

const LFU_INITIAL = 5;

export class Eviction {
  readonly #engine: Engine;
  /** Keys evicted so far. */
  evicted = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** True when memory is within the limit, evicting keys if the policy allows. */
  makeRoom(): boolean {
    const { settings } = this.#engine;
    while (this.#engine.usedMemory > settings.maxMemory) {
      if (this.#engine.lazyFree.isPending) this.#engine.lazyFree.step();
      else if (settings.maxMemoryPolicy === 'noeviction' || !this.#evictOne()) return false;
    }
    return true;
  }

  #evictOne(): boolean {
    const { settings } = this.#engine;
    const isVolatile = settings.maxMemoryPolicy.startsWith('volatile');
    const samples = Math.min(settings.maxMemorySamples, EVICTION_SAMPLES_MAX);
    let best: Keyspace | undefined;
    let bestReference = 0;
    let bestScore = -Infinity;
    for (const keyspace of this.#engine.keyspaces()) {
      for (let i = 0; i < samples; i++) {
        const reference = this.#sample(keyspace, isVolatile);
        if (reference === 0) break;
        const score = this.#score(keyspace, reference);
        if (score <= bestScore) continue;
        best = keyspace;
        bestReference = reference;
        bestScore = score;
      }
    }
    if (best === undefined) return false;
    this.#evict(best, bestReference);
    return true;
  }

  #sample(keyspace: Keyspace, isVolatile: boolean): number {
    const { random } = this.#engine;
    if (!isVolatile) return keyspace.map.random(random);
    const { expiries } = keyspace;
    return expiries.size === 0 ? 0 : expiries.reference(random.below(expiries.size));
  }

  /** Higher goes first. */
  #score(keyspace: Keyspace, reference: number): number {
    const policy = this.#engine.settings.maxMemoryPolicy;
    if (policy.endsWith('random')) return this.#engine.random.unit();
    if (policy.endsWith('ttl')) return -keyspace.deadlineOf(reference);
    const clock = keyspace.arena.pages[pageOf(reference)].view.getInt32(
      offsetOf(reference) + CLOCK,
      true,
    );
    if (policy.endsWith('lfu')) return 255 - this.decayedCount(clock);
    return this.#engine.accessClock - clock;
  }

  #evict(keyspace: Keyspace, reference: number): void {
    keyspace.willChange(reference);
    // Not by the key: that would expire a key that is due, and the place would be another's.
    keyspace.findEntry(reference);
    keyspace.removeFound();
    this.evicted++;
    this.#engine.dirty++;
  }

  /** Minutes since the epoch, in 16 bits. */
  #minutes(): number {
    return Math.floor(this.#engine.now / 60000) & 0xffff;
  }

  /** LFU counter of a clock word after the decay that time has earned it. */
  decayedCount(clock: number): number {
    const { lfuDecayMinutes } = this.#engine.settings;
    const count = clock & 0xff;
    if (lfuDecayMinutes === 0) return count;
    const elapsed = (this.#minutes() - ((clock >>> 8) & 0xffff)) & 0xffff;
    return Math.max(0, count - Math.floor(elapsed / lfuDecayMinutes));
  }

  /** Clock word of a new entry under LFU. */
  freshClock(): number {
    return this.clockOf(LFU_INITIAL);
  }

  /** Clock word of an entry with this LFU counter, as of now. */
  clockOf(count: number): number {
    return (this.#minutes() << 8) | count;
  }

  /** Decays and, by chance, increments an entry's counter. */
  countAccess(block: Block, entry: number): void {
    const { random, settings } = this.#engine;
    let count = this.decayedCount(block.view.getInt32(entry + CLOCK, true));
    const base = Math.max(0, count - LFU_INITIAL);
    if (count < 255 && random.unit() < 1 / (base * settings.lfuLogFactor + 1)) count++;
    block.view.setInt32(entry + CLOCK, (this.#minutes() << 8) | count, true);
  }
}

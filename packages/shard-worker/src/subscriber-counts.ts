/**
 * What a shard in a thread knows of subscribers, who are the gateway's: how many there are of each
 * channel and pattern, so that PUBLISH in a script has its reply. The gateway tells of changes ahead
 * of the scripts that it sends; until then a shard knows of none.
 *
 * Topics go by a mark: c, p or s for channel, pattern or shard channel, and the name, as a latin1
 * string. Cost: a look-up, and a match per pattern.
 */
import { matchesGlob } from '@hashlane/core';

/** A message that a script has published; latin1 strings. */
export interface PublishedMessage {
  readonly channel: string;
  readonly text: string;
  /** A shard channel's: SPUBLISH. */
  readonly isSharded: boolean;
}

const PATTERN = 'p';

export class SubscriberCounts {
  readonly #counts = new Map<string, number>();
  readonly #patterns = new Map<string, Buffer>();

  /** Marks, and how many are subscribed now. `isAll`: nobody is to any other. */
  update(counts: readonly (readonly [mark: string, count: number])[], isAll: boolean): void {
    if (isAll) {
      this.#counts.clear();
      this.#patterns.clear();
    }
    for (const [mark, count] of counts) {
      const isPattern = mark.startsWith(PATTERN);
      if (count > 0) {
        this.#counts.set(mark, count);
        if (isPattern) this.#patterns.set(mark, Buffer.from(mark.slice(1), 'latin1'));
      } else {
        this.#counts.delete(mark);
        if (isPattern) this.#patterns.delete(mark);
      }
    }
  }

  /** How many would get a message on a channel. */
  receivers(channel: string, isSharded: boolean): number {
    if (isSharded) return this.#counts.get(`s${channel}`) ?? 0;
    let count = this.#counts.get(`c${channel}`) ?? 0;
    if (this.#patterns.size === 0) return count;
    const bytes = Buffer.from(channel, 'latin1');
    for (const [mark, pattern] of this.#patterns) {
      if (matchesGlob(pattern, bytes)) count += this.#counts.get(mark) as number;
    }
    return count;
  }
}

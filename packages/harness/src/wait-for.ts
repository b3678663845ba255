/**
 * Waiting for a state: asks again and again until the answer is the wanted one.
 *
 * Tests never sleep for a fixed time; where nothing tells them of a change they poll. The number of
 * tries is bounded, so that a test that waits in vain ends with the last answer it got.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { WAIT_PAUSE_MS, WAIT_TRIES } from './limits.ts';

/** Resolves with the first answer of `probe` that `isReached` accepts; rejects with the last. */
export async function waitFor<T>(
  what: string,
  probe: () => T | Promise<T>,
  isReached: (answer: T) => boolean = Boolean,
): Promise<T> {
  let answer = await probe();
  for (let i = 0; i < WAIT_TRIES && !isReached(answer); i++) {
    await pause(WAIT_PAUSE_MS);
    answer = await probe();
  }
  if (isReached(answer)) return answer;
  throw new Error(`waited in vain for ${what}; last answer: ${String(answer)}`);
}

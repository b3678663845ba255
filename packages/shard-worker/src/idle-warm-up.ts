/**
 * Warms what runs scripts in a thread that has shards, some time after its start: the start is
 * not slower for it, and a server that lives for a short test never pays. Once per thread.
 *
 * Each step is a task of its own in the event loop, so commands wait for one step at most.
 */
import { setTimeout } from 'node:timers';
import { RdbValueCodec } from '@hashlane/rdb';
import { warmUpScripts } from '@hashlane/scripting';
import { WARM_UP_DELAY_MS, WARM_UP_PAUSE_MS } from './limits.ts';

let isPlanned = false;

/** Keeps nobody from ending. */
export function warmUpWhenIdle(): void {
  if (isPlanned) return;
  isPlanned = true;
  setTimeout(() => takeStep(warmUpScripts(new RdbValueCodec())), WARM_UP_DELAY_MS).unref();
}

function takeStep(steps: Iterator<undefined>): void {
  try {
    if (steps.next().done === true) return;
  } catch {
    // Memory is short, say. What is cold stays cold.
    return;
  }
  setTimeout(takeStep, WARM_UP_PAUSE_MS, steps).unref();
}

/**
 * The globals that drive the server, replaced for the length of a simulation: timers, immediates,
 * the clock and chance. Timers belong to the virtual thread whose work is being done.
 *
 * Sources use these as globals, at the time of the call, so nothing else needs to be replaced.
 * Node's own modules have kept the real ones. Promises and microtasks are deterministic as they are.
 */
import { type Scheduler, VirtualImmediate, VirtualTimer } from './scheduler.ts';

interface Replaced {
  readonly owner: object;
  readonly name: string;
  readonly value: unknown;
}

function replacements(scheduler: Scheduler): Replaced[] {
  const later = (work: (...args: never[]) => void, wait = 0, args: never[], repeats: boolean) => {
    const milliseconds = Math.max(1, wait);
    const due = scheduler.nowMs + milliseconds;
    const everyMs = repeats ? milliseconds : undefined;
    return new VirtualTimer(scheduler.current, due, () => work(...args), everyMs);
  };
  const cancelTimer = (timer: VirtualTimer | undefined): void => {
    timer?.cancel();
  };
  return [
    {
      owner: globalThis,
      name: 'setTimeout',
      value: (work: () => void, wait?: number, ...args: never[]) => later(work, wait, args, false),
    },
    {
      owner: globalThis,
      name: 'setInterval',
      value: (work: () => void, wait?: number, ...args: never[]) => later(work, wait, args, true),
    },
    {
      owner: globalThis,
      name: 'setImmediate',
      value: (work: (...args: never[]) => void, ...args: never[]) => {
        const immediate = new VirtualImmediate(() => work(...args));
        scheduler.current.immediates.push(immediate);
        return immediate;
      },
    },
    { owner: globalThis, name: 'clearTimeout', value: cancelTimer },
    { owner: globalThis, name: 'clearInterval', value: cancelTimer },
    {
      owner: globalThis,
      name: 'clearImmediate',
      value: (immediate: VirtualImmediate | undefined) => {
        if (immediate !== undefined) immediate.isCancelled = true;
      },
    },
    { owner: Date, name: 'now', value: () => Math.floor(scheduler.nowMs) },
    { owner: Math, name: 'random', value: () => scheduler.random.below(1 << 30) / (1 << 30) },
    { owner: performance, name: 'now', value: () => scheduler.nowMs },
  ];
}

/** Runs `work` with the globals replaced. Gives it the real setImmediate. */
export async function withVirtualGlobals<T>(
  scheduler: Scheduler,
  work: (pause: (work: () => void) => void) => Promise<T>,
): Promise<T> {
  const realImmediate = globalThis.setImmediate;
  const replaced = replacements(scheduler);
  const kept = replaced.map(({ owner, name }) => Object.getOwnPropertyDescriptor(owner, name));
  for (const { owner, name, value } of replaced) {
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  }
  try {
    return await work((step) => realImmediate(step));
  } finally {
    replaced.forEach(({ owner, name }, i) => {
      const descriptor = kept[i];
      if (descriptor === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, descriptor);
    });
  }
}

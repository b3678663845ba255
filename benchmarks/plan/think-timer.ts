// Pauses before a sample: JMeter's constant, uniform random and Gaussian random timers.

export type ThinkTimer =
  | { readonly kind: 'constant'; readonly ms: number }
  | { readonly kind: 'uniform'; readonly fromMs: number; readonly toMs: number }
  | { readonly kind: 'gaussian'; readonly meanMs: number; readonly deviationMs: number };

/** Milliseconds, never negative. `random` gives numbers in [0, 1). */
export function drawPause(timer: ThinkTimer, random: () => number): number {
  switch (timer.kind) {
    case 'constant':
      return timer.ms;
    case 'uniform':
      return timer.fromMs + random() * (timer.toMs - timer.fromMs);
    case 'gaussian':
      return Math.max(0, timer.meanMs + timer.deviationMs * drawNormal(random));
  }
}

/** Standard normal, by Box and Muller's transform. */
function drawNormal(random: () => number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}

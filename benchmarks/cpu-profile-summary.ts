// Self time per function out of a .cpuprofile, as text.
//
// A .cpuprofile (V8, `node --cpu-prof`) is a tree of call-tree nodes, a list of samples (ids of the
// node on top of the stack) and the time in microseconds between them. Self time of a node is the
// sum of the deltas of its samples; nodes of the same function (name, file, line) in different
// places of the tree are added up. Source of the format: Profiler.Profile of the Chrome DevTools
// Protocol.
//
// One file per thread. Node names it CPU.<date>.<time>.<pid>.<thread>.<number>.cpuprofile, thread 0
// being the main one. Shares are of the time that was not idle: an idle thread would otherwise make
// everything look cheap. What runs outside JavaScript counts for the JavaScript function that
// called it, `(garbage collector)` and `(program)` (native code called by no JavaScript) excepted.

/** The part of Profiler.Profile that is read here. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Microseconds since the sample before; may be negative where the clock was adjusted. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    /** Counted from 0. */
    readonly lineNumber: number;
  };
}

export interface SelfTime {
  readonly name: string;
  /** File below the repository and line, empty for what V8 itself names in parentheses. */
  readonly place: string;
  readonly selfMs: number;
  /** Of the time that was not idle, from 0 to 1. */
  readonly share: number;
}

export interface ProfileSummary {
  readonly totalMs: number;
  readonly idleMs: number;
  /** Every function that was on top of the stack, most self time first. */
  readonly functions: readonly SelfTime[];
}

/** Throws if the text is not JSON of that shape. */
export function parseCpuProfile(text: string): CpuProfile {
  const profile: unknown = JSON.parse(text);
  const isProfile =
    typeof profile === 'object' &&
    profile !== null &&
    ['nodes', 'samples', 'timeDeltas'].every((key) =>
      Array.isArray((profile as Record<string, unknown>)[key]),
    );
  if (!isProfile) throw new Error('not a .cpuprofile');
  return profile as CpuProfile;
}

/** base: file URL of the folder that places are told relative to. */
export function summariseCpuProfile(profile: CpuProfile, base = ''): ProfileSummary {
  const keys = new Map(profile.nodes.map((node) => [node.id, keyOf(node, base)]));
  const self = new Map<string, number>();
  for (const [i, id] of profile.samples.entries()) {
    const key = keys.get(id);
    if (key === undefined) throw new Error(`a sample of node ${id}, which is not there`);
    self.set(key, (self.get(key) ?? 0) + Math.max(0, profile.timeDeltas[i] ?? 0));
  }
  const total = self.values().reduce((sum, time) => sum + time, 0);
  const idle = self.get('(idle)\0') ?? 0;
  self.delete('(idle)\0');
  const busy = Math.max(1, total - idle);
  const functions = [...self]
    .toSorted(([, a], [, b]) => b - a)
    .map(([key, time]) => {
      const [name, place] = key.split('\0') as [string, string];
      return { name, place, selfMs: time / 1e3, share: time / busy };
    });
  return { totalMs: total / 1e3, idleMs: idle / 1e3, functions };
}

function keyOf({ callFrame }: ProfileNode, base: string): string {
  const { functionName, url, lineNumber } = callFrame;
  const name = functionName === '' ? '(anonymous)' : functionName;
  const file = base !== '' && url.startsWith(base) ? url.slice(base.length) : url;
  return `${name}\0${file === '' ? '' : `${file}:${lineNumber + 1}`}`;
}

/** A table of the `count` functions with most self time. */
export function renderSummary(title: string, summary: ProfileSummary, count = 25): string {
  const { totalMs, idleMs, functions } = summary;
  const idle = totalMs === 0 ? 0 : (idleMs / totalMs) * 100;
  const rows = functions.slice(0, count).map(({ name, place, selfMs, share }) => {
    const figures = `${(share * 100).toFixed(1).padStart(6)} %${selfMs.toFixed(0).padStart(8)} ms`;
    return `${figures}  ${name.padEnd(32)} ${place}`.trimEnd();
  });
  return [
    `${title}: ${(totalMs / 1e3).toFixed(1)} s, ${idle.toFixed(0)} % idle; self time without idle`,
    ...rows,
    '',
  ].join('\n');
}

/** Number of the thread in the name of a file that `node --cpu-prof` wrote; 0 is the main one. */
export function threadOfProfile(fileName: string): number | undefined {
  const found = /^CPU\.\d+\.\d+\.\d+\.(\d+)\.\d+\.cpuprofile$/.exec(fileName);
  return found === null ? undefined : Number(found[1]);
}

// What a suite is given and how it takes turns.
//
// A suite is a function of a BenchContext. It asks `wants()` before a test, measures the contenders
// in turn, never two at once, and hands every figure to `record()`. A failure belongs to its test
// and contender: measured() turns it into a sample with an error, and the run goes on.

import { type Contender, type RunningServer, withServers } from './contenders.ts';
import type { Sample } from './results.ts';

export interface BenchContext {
  readonly contenders: readonly Contender[];
  readonly rounds: number;
  readonly quick: boolean;
  wants(suite: string, test: string, pipeline: number | null): boolean;
  /** True, and the test noted as left out, once a run with a limit of time has used it up. */
  isTooLateFor(test: string): boolean;
  record(sample: Sample): void;
}

/** The suite's name, what it measures in one line (for --help), and the suite. */
export interface Suite {
  readonly name: string;
  readonly about: string;
  run(context: BenchContext): Promise<void>;
}

type Key = Omit<Sample, 'values' | 'error'>;

/** Runs one measurement and records it; records the error if it throws. */
export async function measured(
  context: BenchContext,
  key: Key,
  work: () => Promise<Sample['values']>,
): Promise<void> {
  try {
    context.record({ ...key, values: await work() });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    context.record({ ...key, values: {}, error: text });
  }
}

/**
 * For tests that need a server that nothing has touched: starts one, measures, stops it, for each
 * contender in turn, round after round (A B A B).
 */
export async function measureFresh(
  context: BenchContext,
  test: Pick<Sample, 'suite' | 'test'> & { rounds: number },
  work: (server: RunningServer) => Promise<Sample['values']>,
): Promise<void> {
  if (!context.wants(test.suite, test.test, null) || context.isTooLateFor(test.test)) return;
  for (let round = 0; round < test.rounds; round++) {
    for (const contender of context.contenders) {
      const key = { suite: test.suite, test: test.test, pipeline: null, round };
      await measured(context, { ...key, contender: contender.name }, () =>
        withServers([contender], ([server]) => work(server!)),
      );
    }
  }
}

/**
 * Runs cases in cells. The cases of a cell share a server and run several at a time: each has
 * queues of its own, and one waits for its delays while others work.
 *
 * A case that does not end in time is reported as failed, and left behind: its server is stopped
 * with the cell.
 */
import { CASE_MS_MAX, CASES_AT_ONCE } from '../limits.ts';
import { startOracle } from '../redis-oracle.ts';
import { start } from '../start.ts';
import type { Cell, QueueCase, Site } from './queue-case.ts';

export interface CaseResult {
  readonly name: string;
  readonly milliseconds: number;
  /** Undefined when the case holds. */
  readonly error: Error | undefined;
}

interface StartedSite extends AsyncDisposable {
  readonly site: Site;
}

export interface RunOptions {
  /** True: a server of hashlane is a child process. */
  readonly process?: boolean;
  /** Called as results come in. */
  readonly onResult?: (result: CaseResult) => void;
}

/** Starts the cell's server, runs the cases, and resolves with a result for each. */
export async function runCell(
  cell: Cell,
  cases: readonly QueueCase[],
  { process = false, onResult = () => undefined }: RunOptions = {},
): Promise<CaseResult[]> {
  await using started = await startSite(cell, process);
  const results: CaseResult[] = [];
  const left = cases.values();
  const lane = async (): Promise<void> => {
    for (const each of left) {
      const result = await runCase(each, started.site);
      results.push(result);
      onResult(result);
    }
  };
  await Promise.all(Array.from({ length: CASES_AT_ONCE }, lane));
  return results;
}

async function startSite(cell: Cell, process: boolean): Promise<StartedSite> {
  const server =
    cell.server === 'redis' ? await startOracle() : await start({ shards: cell.server, process });
  return {
    site: { ...cell, port: server.port },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function runCase({ name, run }: QueueCase, site: Site): Promise<CaseResult> {
  const began = performance.now();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`not done after ${CASE_MS_MAX / 1000} s`)),
    CASE_MS_MAX,
  );
  let error: Error | undefined;
  try {
    await Promise.race([run(site), late]);
  } catch (thrown) {
    error = thrown instanceof Error ? thrown : new Error(String(thrown));
  } finally {
    clearTimeout(timer);
  }
  return { name, milliseconds: performance.now() - began, error };
}

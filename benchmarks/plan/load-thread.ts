// A worker thread that runs a share of the load: one message in (workerData), JTL lines and the
// result out.

import { parentPort, workerData } from 'node:worker_threads';
import { type LoadOptions, type LoadResult, runLoad } from './load.ts';

export type ThreadMessage =
  | { readonly kind: 'jtl'; readonly lines: string }
  | { readonly kind: 'result'; readonly result: LoadResult };

function post(message: ThreadMessage): void {
  parentPort?.postMessage(message);
}

const result = await runLoad(workerData as LoadOptions, (lines) => post({ kind: 'jtl', lines }));
post({ kind: 'result', result });

/**
 * `npm run queues`: the queue-library suites over the whole matrix, or over a part of it.
 *
 *   npm run queues -- --library bullmq --server 0,4 --naming plain --cases 'flow|stalled'
 *   npm run queues -- --server redis          # do the cases ask for what is right?
 *
 * Prints a line for each case that fails, with the error, and one for each cell; exit code 1 when
 * anything failed. docs/bullmq.md says what the whole matrix is, and how long it takes.
 */
import { parseArgs } from 'node:util';
import { beeQueueCases } from './bee-queue/bee-queue-cases.ts';
import { bullCases } from './bull/bull-cases.ts';
import { bullmqCases } from './bullmq/bullmq-cases.ts';
import { type Cell, type ClientKind, cellName, type Naming, type QueueCase } from './queue-case.ts';
import { runCell } from './queue-runner.ts';

const LIBRARIES: Readonly<Record<string, readonly QueueCase[]>> = {
  bullmq: bullmqCases,
  bull: bullCases,
  'bee-queue': beeQueueCases,
};

const { values } = parseArgs({
  options: {
    library: { type: 'string', default: 'bullmq,bull,bee-queue' },
    server: { type: 'string', default: '0,1,4' },
    client: { type: 'string', default: 'ioredis,node-redis' },
    naming: { type: 'string', default: 'plain,braces' },
    cases: { type: 'string', default: '' },
    process: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

function words(text: string): string[] {
  return text.split(',').filter((word) => word !== '');
}

function cells(library: string): Cell[] {
  // Bull and Bee-Queue bring their own client.
  const clients = library === 'bullmq' ? words(values.client) : ['ioredis'];
  return words(values.server).flatMap((server) =>
    clients.flatMap((client) =>
      words(values.naming).map((naming) => ({
        server: server === 'redis' ? server : Number(server),
        client: client as ClientKind,
        naming: naming as Naming,
      })),
    ),
  );
}

async function runLibrary(library: string): Promise<number> {
  const wanted = new RegExp(values.cases, 'i');
  const cases = (LIBRARIES[library] ?? []).filter(({ name }) => wanted.test(name));
  let failures = 0;
  for (const cell of cells(library)) {
    const began = performance.now();
    const results = await runCell(cell, cases, {
      process: values.process,
      onResult: ({ name, milliseconds, error }) => {
        const ms = Math.round(milliseconds);
        if (error !== undefined) console.log(`FAILED ${name} (${ms} ms)`, error);
        else if (values.verbose) console.log(`  ${name} (${ms} ms)`);
      },
    });
    const failed = results.filter(({ error }) => error !== undefined).length;
    failures += failed;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const outcome = `${results.length - failed} passed, ${failed} failed`;
    console.log(`${library}, ${cellName(cell)}: ${outcome} in ${seconds} s`);
  }
  return failures;
}

let failures = 0;
for (const library of words(values.library)) failures += await runLibrary(library);
// A case that was left behind may still hold a connection.
process.exit(failures === 0 ? 0 : 1);

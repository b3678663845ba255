/**
 * The command line: `npm run simulate -- --seeds 1000 --operations 2000`.
 *
 *   --seeds N        how many seeds (100)
 *   --from S         the first seed (1)
 *   --operations N   operations per seed (2000)
 *   --isolation M    locked or lock-free; both in turn when it is not given
 *   --shards N       shards; 0 to 4, by seed, when it is not given
 *   --trace          print every event, to look at one seed
 *
 * A seed that fails is printed with the command that replays it; the exit code is 1 then.
 */
import { parseArgs } from 'node:util';
import { SimulationFailure, type SimulationOptions, simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    operations: { type: 'string', default: '2000' },
    isolation: { type: 'string' },
    shards: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});

function optionsOf(seed: number): SimulationOptions {
  const byTurn = seed % 2 === 0 ? 'lock-free' : 'locked';
  return {
    seed,
    operations: Number(values.operations),
    shards: values.shards === undefined ? seed % 5 : Number(values.shards),
    isolation: values.isolation === undefined ? byTurn : (values.isolation as 'locked'),
    profile: { readsAll: seed % 3 === 2 },
    ...(values.trace && { trace: (line: string) => console.log(line) }),
  };
}

function commandOf({ seed, operations, shards, isolation }: SimulationOptions): string {
  return `npm run simulate -- --seeds 1 --from ${seed} --operations ${operations} --shards ${shards} --isolation ${isolation}`;
}

const first = Number(values.from);
const last = first + Number(values.seeds) - 1;
const rules = new Map<string, number>();
const startedMs = Date.now();
let operations = 0;
let events = 0;
let undecided = 0;
for (let seed = first; seed <= last; seed++) {
  const options = optionsOf(seed);
  try {
    const result = await simulate(options);
    operations += result.operations;
    events += result.events;
    undecided += result.undecided;
    if (first === last) console.log(`hash ${result.hash.toString(16)}`, result.profile);
  } catch (error) {
    const isFailure = error instanceof SimulationFailure;
    const rule = isFailure ? error.rule : 'crash';
    rules.set(rule, (rules.get(rule) ?? 0) + 1);
    console.log(`seed ${seed} failed. ${isFailure ? error.message : (error as Error).stack}`);
    console.log(`  ${commandOf(options)}\n`);
  }
}
const seconds = (Date.now() - startedMs) / 1000;
const failures = [...rules].map(([rule, count]) => `${count} × ${rule}`).join(', ');
console.log(
  `${last - first + 1} seeds, ${operations} operations, ${events} events in ${seconds.toFixed(1)} s; ` +
    `${undecided} windows undecided; ${failures === '' ? 'no failure' : `failed: ${failures}`}`,
);
process.exitCode = rules.size === 0 ? 0 : 1;

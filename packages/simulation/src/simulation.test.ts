/** Seeds of simulated lives, seeds that found something once, and the promise that a seed replays. */
import t from 'tap';
import { KEPT_SEEDS } from './kept-seeds.ts';
import { TEST_MS_MAX } from './limits.ts';
import { type SimulationOptions, simulate } from './simulation.ts';

t.setTimeout(TEST_MS_MAX);

const SEEDS = 200;
const OPERATIONS = 200;

function optionsOf(seed: number): SimulationOptions {
  const isolation = seed % 2 === 0 ? 'lock-free' : 'locked';
  const profile = { readsAll: seed % 3 === 2 };
  return { seed, operations: OPERATIONS, shards: seed % 5, isolation, profile };
}

t.test('a seed replays event by event', async (t) => {
  const trace = async (seed: number): Promise<{ lines: string[]; hash: number }> => {
    const lines: string[] = [];
    const { hash } = await simulate({ ...optionsOf(seed), trace: (line) => lines.push(line) });
    return { lines, hash };
  };
  for (const seed of [3, 4, 5]) {
    const first = await trace(seed);
    const second = await trace(seed);
    t.ok(first.lines.length > OPERATIONS, 'something happened');
    t.equal(second.hash, first.hash, `seed ${seed} has one hash`);
    t.same(second.lines, first.lines, `and one course of events`);
    t.not((await trace(seed + 5)).hash, first.hash, 'another seed has another');
  }
});

t.test('seeds that found something', async (t) => {
  for (const { found, ...options } of KEPT_SEEDS) {
    await t.resolves(simulate(options), `seed ${options.seed}: ${found}`);
  }
});

t.test(`${SEEDS} seeds`, async (t) => {
  let undecided = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      undecided += (await simulate(optionsOf(seed))).undecided;
    } catch (error) {
      const { shards, isolation } = optionsOf(seed);
      const words = `--seeds 1 --from ${seed} --operations ${OPERATIONS} --shards ${shards} --isolation ${isolation}`;
      t.fail(`npm run simulate -- ${words}\n${(error as Error).message}`);
    }
  }
  t.ok(undecided < SEEDS / 10, `${undecided} windows were too large to decide`);
});

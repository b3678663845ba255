/**
 * A bounded run of random scripts against redis-server: replies and what is in the databases after.
 * By hand: `node packages/harness/src/differential.fuzz.ts --groups scripting --seeds 1000`.
 */

import t from 'tap';
import { DifferentialPair, describeFinding } from './differential.fuzz.ts';
import { TEST_MS_MAX } from './limits.ts';
import { oracleMissing, startOracle, startServer, testUnlessMissing } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const SEEDS = 16;
const SCRIPTS = 25;

for (const shards of [0, 2]) {
  testUnlessMissing(t, `random scripts, ${shards} shards`, oracleMissing(), async (t) => {
    await using oracle = await startOracle({ args: ['--hz', '500'] });
    await using server = await startServer({ shards });
    using theirs = await oracle.connect();
    using ours = await server.connect();
    const pair = new DifferentialPair(theirs, ours, shards, ['scripting']);
    for (let seed = 1; seed <= SEEDS; seed++) {
      const finding = await pair.check(100 * shards + seed, SCRIPTS, seed % 2 === 0 ? 2 : 3);
      if (finding !== undefined) t.fail(describeFinding(finding));
    }
    t.equal(server.hasExited, false);
    t.pass(`${SEEDS} programs of ${SCRIPTS} scripts`);
  });
}

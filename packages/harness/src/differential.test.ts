/** A bounded run of the differential fuzzer; differential.fuzz.ts runs more of it by hand. */

import t from 'tap';
import { DifferentialPair, describeFinding } from './differential.fuzz.ts';
import { TEST_MS_MAX } from './limits.ts';
import { oracleMissing, startOracle, startServer, testUnlessMissing } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const SEEDS = 120;
const COMMANDS = 250;

for (const shards of [0, 1, 2]) {
  testUnlessMissing(t, `random programs, ${shards} shards`, oracleMissing(), async (t) => {
    await using oracle = await startOracle({ args: ['--hz', '500'] });
    await using server = await startServer({ shards });
    using theirs = await oracle.connect();
    using ours = await server.connect();
    const pair = new DifferentialPair(theirs, ours, shards);
    for (let seed = 1; seed <= SEEDS; seed++) {
      // Each kind of server sees other programs.
      const finding = await pair.check(1000 * shards + seed, COMMANDS, seed % 2 === 0 ? 2 : 3);
      if (finding !== undefined) t.fail(describeFinding(finding));
    }
    t.equal(server.hasExited, false);
    t.pass(`${SEEDS} programs of ${COMMANDS} commands`);
  });
}

/**
 * Bull 4 and Bee-Queue on hashlane, in process and over four shards: the cases that do without
 * pub/sub, which hashlane has not got. `npm run queues -- --library bull,bee-queue --server redis`
 * runs all of them.
 */
import t from 'tap';
import { TEST_MS_MAX } from '../limits.ts';
import { beeQueueCases } from './bee-queue/bee-queue-cases.ts';
import { bullCases } from './bull/bull-cases.ts';
import { testCell } from './queue-test.ts';

t.setTimeout(TEST_MS_MAX);

const all = [...bullCases, ...beeQueueCases];
const cases = all.filter(({ isLong, needsPubsub }) => !isLong && !needsPubsub);

testCell(t, { server: 0, client: 'ioredis', naming: 'plain' }, cases);
testCell(t, { server: 4, client: 'ioredis', naming: 'plain' }, cases);

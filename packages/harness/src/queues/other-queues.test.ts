/** Bull 4 and Bee-Queue on hashlane, in process and over four shards. */
import t from 'tap';
import { TEST_MS_MAX } from '../limits.ts';
import { beeQueueCases } from './bee-queue/bee-queue-cases.ts';
import { bullCases } from './bull/bull-cases.ts';
import { testCell } from './queue-test.ts';

t.setTimeout(TEST_MS_MAX);

const cases = [...bullCases, ...beeQueueCases].filter(({ isLong }) => !isLong);

testCell(t, { server: 0, client: 'ioredis', naming: 'plain' }, cases);
testCell(t, { server: 4, client: 'ioredis', naming: 'plain' }, cases);

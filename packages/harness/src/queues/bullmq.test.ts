/**
 * BullMQ on hashlane: the whole suite in process and over four shards, some cases of it in other
 * cells of the matrix. `npm run queues` runs all cases in all cells.
 */
import t from 'tap';
import { TEST_MS_MAX } from '../limits.ts';
import { bullmqCases, bullmqFewCases } from './bullmq/bullmq-cases.ts';
import { testCell } from './queue-test.ts';

t.setTimeout(TEST_MS_MAX);

const cases = bullmqCases.filter(({ isLong }) => !isLong);

testCell(t, { server: 0, client: 'ioredis', naming: 'plain' }, cases);
testCell(t, { server: 4, client: 'ioredis', naming: 'plain' }, cases);
testCell(t, { server: 1, client: 'node-redis', naming: 'plain' }, bullmqFewCases);
testCell(t, { server: 4, client: 'node-redis', naming: 'braces' }, bullmqFewCases);
testCell(t, { server: 0, client: 'ioredis', naming: 'braces' }, bullmqFewCases);

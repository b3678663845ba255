/** All cases of BullMQ, by topic. */

import type { QueueCase } from '../queue-case.ts';
import { crowdCases } from './crowd-cases.ts';
import { delayedCases } from './delayed-cases.ts';
import { eventsCases } from './events-cases.ts';
import { flowCases } from './flow-cases.ts';
import { jobsCases } from './jobs-cases.ts';
import { limitsCases } from './limits-cases.ts';
import { metricsCases } from './metrics-cases.ts';
import { pauseCases } from './pause-cases.ts';
import { priorityCases } from './priority-cases.ts';
import { retriesCases } from './retries-cases.ts';
import { sandboxCases } from './sandbox-cases.ts';
import { schedulerCases } from './scheduler-cases.ts';
import { stalledCases } from './stalled-cases.ts';
import { upkeepCases } from './upkeep-cases.ts';

function topic(name: string, cases: readonly QueueCase[]): QueueCase[] {
  return cases.map((each) => ({ ...each, name: each.name.replace('BullMQ:', `BullMQ ${name}:`) }));
}

export const bullmqCases = [
  ...topic('sandbox', sandboxCases),
  ...topic('schedulers', schedulerCases),
  ...topic('jobs', jobsCases),
  ...topic('retries', retriesCases),
  ...topic('delayed', delayedCases),
  ...topic('priorities', priorityCases),
  ...topic('limits', limitsCases),
  ...topic('pause', pauseCases),
  ...topic('stalled', stalledCases),
  ...topic('upkeep', upkeepCases),
  ...topic('flows', flowCases),
  ...topic('events', eventsCases),
  ...topic('metrics', metricsCases),
  ...topic('crowd', crowdCases),
];

/** Of each kind of script one case: what a cell without much time runs. */
export const bullmqFewCases = [
  jobsCases[1]!,
  retriesCases[1]!,
  delayedCases[1]!,
  priorityCases[2]!,
  limitsCases[2]!,
  stalledCases[0]!,
  upkeepCases[2]!,
  flowCases[0]!,
  eventsCases[2]!,
];

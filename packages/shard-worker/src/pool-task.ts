/**
 * The file that Piscina's threads run: named tasks, nothing else.
 */
import { warmUpWhenIdle } from './idle-warm-up.ts';
import type { ShardTask } from './messages.ts';
import { runShard as run } from './shard-thread.ts';

export { runBackgroundTask } from './background-task.ts';

export function runShard(task: ShardTask): Promise<void> {
  const finished = run(task);
  warmUpWhenIdle();
  return finished;
}

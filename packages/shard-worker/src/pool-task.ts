/**
 * The file that Piscina's threads run: named tasks, nothing else.
 */
export { runBackgroundTask } from './background-task.ts';
export { runShard } from './shard-thread.ts';

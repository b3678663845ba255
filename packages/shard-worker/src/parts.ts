/** What only the simulation needs of shard-worker: a shard without its thread. Not published. */
export type { BackgroundTask } from './background-task.ts';
export type { ShardTask } from './messages.ts';
export { ShardThread } from './shard-thread.ts';

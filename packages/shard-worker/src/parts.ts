/** What only the simulation needs of shard-worker: its ends of ports and threads. Not published. */
export type {
  BackgroundTask,
  LoadSnapshotResult,
  LoadSnapshotTask,
  WriteSnapshotResult,
  WriteSnapshotTask,
} from './background-task.ts';
export type { ShardTask } from './messages.ts';
export { PortLink } from './port-link.ts';
export { ShardThread } from './shard-thread.ts';

/** What only the simulation needs of the gateway: its parts without a listener. Not published. */
export { Acceptor } from './acceptor.ts';
export { Configuration } from './configuration.ts';
export type { Connection } from './connection.ts';
export { Coordinator } from './coordinator.ts';
export { Gateway } from './gateway.ts';
export type { Logger } from './log.ts';
export { startShards } from './server.ts';
export { SnapshotScheduler } from './snapshot-scheduler.ts';

/** What only the simulation needs of the gateway: its parts without a listener. Not published. */
export { Acceptor } from './acceptor.ts';
export { serverCommands } from './commands/index.ts';
export { Configuration } from './configuration.ts';
export { Gateway } from './gateway.ts';
export { startShards } from './server.ts';
export { SnapshotScheduler } from './snapshot-scheduler.ts';

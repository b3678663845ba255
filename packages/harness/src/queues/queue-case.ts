/**
 * What the suites of queue libraries are made of: a *case* uses a library in one way and throws
 * when something is not as it should be; a *cell* is one combination of server, client and names
 * to run cases in.
 *
 * Cases know nothing of the server. All of them hold on redis-server too, which is how they were
 * written: `npm run queues -- --server redis` is the proof that a case asks for what is right.
 */

/** Names of queues: plain, or all with one hash tag as for Redis Cluster. */
export type Naming = 'plain' | 'braces';
export type ClientKind = 'ioredis' | 'node-redis';

export interface Cell {
  /** Number of shards, or redis-server itself. */
  readonly server: number | 'redis';
  readonly client: ClientKind;
  readonly naming: Naming;
}

/** Where the cases of a cell find their server. */
export interface Site extends Cell {
  readonly port: number;
}

export interface QueueCase {
  readonly name: string;
  /** Left out of the small sets of cases. */
  readonly isLong?: boolean;
  run(site: Site): Promise<void>;
}

export function cellName({ server, client, naming }: Cell): string {
  const where = server === 'redis' ? 'redis-server' : `${server} shards`;
  return `${where}, ${client}, ${naming === 'plain' ? 'plain names' : 'names with {}'}`;
}

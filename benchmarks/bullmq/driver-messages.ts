// What the benchmark and the process that runs BullMQ say to each other.

/** Ways in which jobs are added. */
export const ADDITIONS = ['add', 'addBulk', 'prioritised', 'delayed', 'flow'] as const;

export type Addition = (typeof ADDITIONS)[number];

export type DriverRequest =
  /** Opens queues on a server whose database is empty. */
  | { readonly kind: 'open'; readonly port: number; readonly queues: QueueNames }
  | { readonly kind: 'add'; readonly how: Addition; readonly jobs: number }
  /** Workers that do not take jobs yet. */
  | { readonly kind: 'workers' }
  /** Takes and completes all jobs that were added. */
  | { readonly kind: 'process' }
  /** Fails unless every job was processed exactly once and counts as completed. */
  | { readonly kind: 'verify' }
  | { readonly kind: 'close' };

export interface QueueNames {
  readonly main: string;
  /** Of the children of flows. */
  readonly children: string;
}

export interface DriverReply {
  /** Of the request, from beginning to end. */
  readonly seconds: number;
  /** CPU that the driver spent on it. */
  readonly cpuSeconds: number;
  readonly error?: string;
}

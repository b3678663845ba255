/**
 * What the gateway holds of a shard: one interface, two implementations (port-link.ts for a shard
 * in a worker thread, in-process-link.ts for one in the gateway's own thread).
 *
 * Contract: requests submitted to one link are executed in order. Every request gets exactly one
 * reply through its receiver, in order per link, also when the shard fails (then it is an error).
 * A command that blocks answers `blocked` first, and later `late` on the receiver registered under
 * the request's connection number.
 */
import type { Block } from '@hashlane/resp';
import type { ControlAnswers, ControlRequest } from './messages.ts';

/** Who asked: a connection, or a coordinator on behalf of one. */
export interface ReplyReceiver {
  /**
   * True for a connection whose input is being processed: an in-process shard's replies to it stay
   * in the gateway's writer, and `receive` is not called. Others get their replies handed over.
   */
  readonly readsWriter: boolean;
  /**
   * The number of a client whose own command the request is, all of it. Such a one may be answered
   * with BUSY in the place of a shard that does not come to it.
   */
  readonly client?: number;
  /**
   * `count` replies of shard `source`, in request order and contiguous in `block` from `start` to
   * `end`. `spans` are the replies' bounds for who needs them one by one. The bytes must be used or
   * copied before returning. True when the block is still referenced (a socket write is pending).
   */
  receive(
    source: number,
    block: Block,
    start: number,
    end: number,
    count: number,
    firstSpan: number,
  ): boolean;
  /** The request waits; a late reply follows unless it is cancelled. */
  blocked(source: number): void;
  /** The reply of a command that had blocked. Same rules as `receive`. */
  late(source: number, block: Block, start: number, end: number): boolean;
}

/** Arguments as spans into a block; a RequestParser has this shape. */
export interface RequestArguments {
  readonly block: Block;
  readonly origin: number;
  readonly spans: Int32Array;
  readonly argc: number;
}

export interface ShardLink {
  readonly index: number;
  /** True while so much is in flight that readers should pause; `onDrain` tells when it is over. */
  readonly isCongested: boolean;
  /**
   * Sends a command. `ownsBlock`: the arguments' block belongs to this request alone and may be
   * transferred.
   */
  submit(
    receiver: ReplyReceiver,
    command: number,
    args: RequestArguments,
    hash: number,
    connection: number,
    database: number,
    flags: number,
    claim: number,
    ownsBlock: boolean,
  ): void;
  /** Posts what was submitted in this turn. Called by the link itself; early calls do no harm. */
  flush(): void;
  control<T extends ControlRequest['type']>(
    request: Extract<ControlRequest, { type: T }>,
    transfer?: readonly unknown[],
  ): Promise<ControlAnswers[T]>;
}

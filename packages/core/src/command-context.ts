/**
 * What a handler works with: one reused object per engine. The engine sets it before each call.
 *
 * Handlers read arguments from `request`, keys from `keyspace`, and answer through `reply`. They
 * know nothing of sockets, threads, isolation modes or (mostly) of RESP versions. For a client's
 * mistake they reply an error from the table; a throw is a bug and restarts the shard.
 */
import type { ReplyWriter } from '@hashlane/resp';
import type { Engine } from './engine.ts';
import type { Keyspace } from './keyspace.ts';
import type { Request } from './request.ts';

export class CommandContext {
  readonly engine: Engine;
  readonly reply: ReplyWriter;
  request: Request;
  keyspace: Keyspace;
  /** Set by `block`: the command waits and has written no reply. */
  isBlocked = false;
  /** Milliseconds since the epoch at which a blocked command gives up; Infinity for never. */
  blockedUntil = Infinity;
  /** First and last argument that is a key to wait for. */
  blockedKeysFirst = 0;
  blockedKeysLast = 0;
  /** Arguments that the blocked command has other texts for when it is run again. */
  readonly replaced = new Map<number, string>();

  constructor(engine: Engine, reply: ReplyWriter, request: Request, keyspace: Keyspace) {
    this.engine = engine;
    this.reply = reply;
    this.request = request;
    this.keyspace = keyspace;
  }

  /** Milliseconds since the epoch, the same for all commands of a batch. */
  get now(): number {
    return this.engine.now;
  }

  /** Every write handler calls this once per change: counts for save rules and the journal. */
  changed(changes = 1): void {
    this.engine.dirty += changes;
  }

  /**
   * Makes the command wait until one of the keys in arguments `first` … `last` may serve it, or
   * until `deadline` (ms since the epoch, Infinity for never). The engine then runs the handler
   * again with the same arguments. The caller must have written no reply, and must not call this
   * when `mayBlock` is false (reply what Redis replies on a timeout instead).
   */
  block(first: number, last: number, deadline: number): void {
    this.isBlocked = true;
    this.blockedKeysFirst = first;
    this.blockedKeysLast = last;
    this.blockedUntil = deadline;
  }

  /**
   * Gives an argument another text for the time when a command that blocks is run again: what it
   * meant when it came (`$`) may be something else by then. To be called before `block`.
   */
  replaceArgument(i: number, text: string): void {
    this.replaced.set(i, text);
  }

  get mayBlock(): boolean {
    return (this.request.flags & 2) === 0;
  }
}

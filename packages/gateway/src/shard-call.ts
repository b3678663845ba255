/**
 * One command sent to one shard by a coordinator, as a promise of its reply.
 *
 * The arguments are buffers of our own; the reply is a copy (the batch buffer goes back to the
 * shard). Used for commands over several shards, never on the way of a single-shard command.
 */
import { Block } from '@hashlane/resp';
import {
  NO_CLAIM,
  type ReplyReceiver,
  type RequestArguments,
  type ShardLink,
} from '@hashlane/shard-worker';

/** Arguments as a request, from buffers. */
export function argumentsOf(words: readonly Uint8Array[]): RequestArguments {
  const spans = new Int32Array(2 * words.length);
  let bytes = 0;
  words.forEach((word, i) => {
    spans[2 * i] = bytes;
    spans[2 * i + 1] = word.length;
    bytes += word.length;
  });
  const block = Block.allocate(bytes);
  words.forEach((word, i) => {
    block.bytes.set(word, spans[2 * i]);
  });
  return { block, origin: 0, spans, argc: words.length };
}

export class ShardCall implements ReplyReceiver {
  readonly reply: Promise<Buffer>;
  readonly readsWriter = false;
  #resolve!: (reply: Buffer) => void;

  constructor() {
    this.reply = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  receive(_source: number, block: Block, start: number, end: number): boolean {
    this.#resolve(Buffer.from(block.bytes.subarray(start, end)));
    return false;
  }

  blocked(): void {
    throw new Error('a coordinated call may not block');
  }

  late(): boolean {
    return false;
  }
}

/**
 * Sends `words` (name first) as command number `command`; resolves with the raw reply. `connection`:
 * the number of the wait that it is for.
 */
export function callShard(
  link: ShardLink,
  command: number,
  words: readonly Uint8Array[],
  database: number,
  flags: number,
  connection = 0,
): Promise<Buffer> {
  const call = new ShardCall();
  link.submit(call, command, argumentsOf(words), 0, connection, database, flags, NO_CLAIM, false);
  return call.reply;
}

/**
 * A shard in a worker thread: the Piscina task that takes batches from a port, executes them in
 * order and posts the replies back, one message per batch.
 *
 * The task ends (its promise settles) when the shard was stopped, or fails when a handler threw:
 * that is how the gateway learns of it. The failure names the command.
 *
 *   batch n  ──▶ execute ──▶ replies in the buffer of batch n − 1 ──▶ back
 *                buffer of batch n is kept for the replies of batch n + 1
 */
import { COMMANDS, commandNumber, REQUEST_OWNS_BLOCK, seedHash } from '@hashlane/core';
import { Block } from '@hashlane/resp';
import { ClaimTable } from './claim.ts';
import { DoorBoard } from './door.ts';
import { BATCH_BYTES, BATCH_DATA_AT, BATCH_WORDS } from './limits.ts';
import {
  BATCH_COUNT,
  BATCH_FIRST_WORD,
  BATCH_LATE_COUNT,
  type ControlMessage,
  type MessageFromShard,
  type MessageToShard,
  NO_CLAIM,
  REQUEST_HEADER_WORDS,
  type ShardTask,
} from './messages.ts';
import { RequestCount } from './request-count.ts';
import { Router } from './routing.ts';
import { ScriptBoard } from './script-board.ts';
import { ShardHost } from './shard-host.ts';

const EXEC = commandNumber('HASHLANE.EXEC');
const UNWATCH = commandNumber('HASHLANE.UNWATCH');

export class ShardThread {
  readonly #task: ShardTask;
  readonly host: ShardHost;
  readonly #claims: ClaimTable;
  readonly #requests = new RequestCount();
  #spare: Block | undefined;
  /** Late replies of the batch in progress: (connection, start, end). */
  readonly #late: number[] = [];
  /** Late replies that found no room in their batch. */
  #lateRest: { connection: number; reply: Uint8Array<ArrayBuffer> }[] = [];
  /** Requests begun before the batch in progress. */
  #begunBefore = 0;
  /** Where the reply of the command in progress begins. */
  #replyStart = 0;
  #hasFailed = false;
  #command = 'background work';
  readonly finished: Promise<void>;
  #finish!: () => void;
  #fail!: (error: unknown) => void;

  constructor(task: ShardTask) {
    this.#task = task;
    this.#claims = new ClaimTable(task.claims);
    this.host = new ShardHost({
      ...task,
      sink: { late: (connection, start, end) => this.#late.push(connection, start, end) },
      scripts: {
        board: new ScriptBoard(task.scriptBoard),
        requests: this.#requests,
        router: new Router(task.shards, task.routes),
        otherCommands: task.otherCommands,
        known: task.scripts,
        epoch: task.scriptEpoch,
        libraries: task.libraries,
        isAlone: false,
        doors:
          task.doors.length === 0
            ? undefined
            : { board: new DoorBoard(task.doorBoard), ports: task.doors },
        learned: (script) => this.#post({ type: 'script', script }, []),
        used: (digest) => this.#post({ type: 'script-used', digest }, []),
        busy: (script) => {
          if (script !== undefined) this.#postEarly();
          this.#post({ type: 'script-busy', script }, []);
        },
        publish: (messages) => this.#post({ type: 'publish', messages }, []),
        receivers: undefined,
        log: (level, text) => this.#post({ type: 'script-log', level, text }, []),
      },
    });
    this.host.onBackgroundReplies = () => this.#postBackgroundReplies();
    this.host.onFailure = (error) => this.#failed(error);
    this.host.engine.reply.take(Block.allocate(BATCH_BYTES));
    this.#beginReplies();
    this.finished = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    task.port.on('message', (message: MessageToShard) => this.#receive(message));
  }

  #receive(message: MessageToShard): void {
    // A port that was closed may still deliver what had arrived.
    if (this.#hasFailed) return;
    try {
      if (message instanceof ArrayBuffer) this.#executeBatch(message);
      else if (message.type === 'large') this.#executeLarge(message.words, message.bytes);
      else this.#control(message);
    } catch (error) {
      this.#failed(error);
    }
  }

  #executeBatch(memory: ArrayBuffer): void {
    const block = Block.over(memory);
    const words = new Int32Array(memory, 0, BATCH_WORDS);
    this.#execute(words, block, 0);
    this.#spare = block;
    this.#postReplies(words[BATCH_COUNT]);
    this.host.afterBatch();
  }

  #executeLarge(memory: ArrayBuffer, bytes: ArrayBuffer): void {
    const words = new Int32Array(memory);
    this.#execute(words, Block.over(bytes), REQUEST_OWNS_BLOCK);
    this.#spare = undefined;
    this.#postReplies(1);
    this.host.afterBatch();
  }

  #execute(words: Int32Array, block: Block, extraFlags: number): void {
    const host = this.host;
    const { engine } = host;
    const { request, reply } = engine;
    const count = words[BATCH_COUNT];
    host.beforeBatch();
    this.#begunBefore = this.#requests.begun;
    request.block = block;
    request.spans = words;
    request.origin = 0;
    let at = BATCH_FIRST_WORD;
    let index = BATCH_FIRST_WORD;
    let replyBlock = reply.block;
    let spans = wordsOf(replyBlock);
    for (let i = 0; i < count; i++) {
      const head = words[at];
      const command = head & 0xffff;
      const argc = words[at + 1];
      const claim = words[at + 5];
      request.argc = argc;
      request.hash = words[at + 2];
      request.connection = words[at + 3];
      request.database = words[at + 4];
      request.flags = (head >>> 16) | extraFlags;
      // Argument 0 is not in the batch: the first span is argument 1's.
      request.base = at + REQUEST_HEADER_WORDS - 2;
      at += REQUEST_HEADER_WORDS + 2 * (argc - 1);
      engine.claim = claim === NO_CLAIM ? undefined : this.#claims.claim(claim);
      this.#command = COMMANDS[command].name;
      const start = reply.position;
      this.#replyStart = start;
      const replied = this.#requests.begin() ? this.#skip(command) : host.execute(command);
      if (reply.block !== replyBlock) {
        // The writer grew: its new block begins with what the old one held.
        replyBlock = reply.block;
        spans = wordsOf(replyBlock);
      }
      spans[index] = replied ? start : -1;
      spans[index + 1] = replied ? reply.position : -1;
      index += 2;
      engine.serveWaiters();
    }
    engine.claim = undefined;
  }

  /** The gateway has answered the request: nothing is executed, nothing replied. */
  #skip(command: number): true {
    if (command === EXEC) {
      // A transaction that is refused is over.
      const { reply } = this.host.engine;
      const start = reply.position;
      this.host.execute(UNWATCH);
      reply.position = start;
    }
    return true;
  }

  /** Posts the replies of a batch of `count` requests and begins the next reply buffer. */
  #postReplies(count: number): void {
    const { reply } = this.host.engine;
    const { view } = reply.block;
    view.setInt32(BATCH_COUNT << 2, count, true);
    view.setInt32(BATCH_LATE_COUNT << 2, this.#writeLate(count), true);
    const memory = reply.block.bytes.buffer as ArrayBuffer;
    const spare = this.#spare;
    this.#spare = undefined;
    reply.take(spare ?? Block.allocate(BATCH_BYTES));
    this.#beginReplies();
    this.#post(memory, [memory]);
    this.#postLateRest();
  }

  /** After the batch: a waiter that blocked in this very batch must be known to have blocked. */
  #postLateRest(): void {
    if (this.#lateRest.length === 0) return;
    const entries = this.#lateRest;
    this.#lateRest = [];
    this.#post({ type: 'late', entries }, []);
  }

  /** Posts a copy of the replies of the batch in progress, up to the command that takes long. */
  #postEarly(): void {
    const { block } = this.host.engine.reply;
    const count = this.#requests.begun - this.#begunBefore - 1;
    if (count <= 0) return;
    const late = this.#writeLate(count);
    const replies = Uint8Array.from(block.bytes.subarray(0, this.#replyStart)).buffer;
    const words = new Int32Array(replies, 0, BATCH_FIRST_WORD);
    words[BATCH_COUNT] = count;
    words[BATCH_LATE_COUNT] = late;
    this.#post({ type: 'early', replies }, [replies]);
    this.#postLateRest();
  }

  /** Writes late replies behind the spans of `count` replies; returns how many found room. */
  #writeLate(count: number): number {
    const late = this.#late;
    if (late.length === 0) return 0;
    const first = BATCH_FIRST_WORD + 2 * count;
    const room = Math.floor((BATCH_WORDS - first) / 3) * 3;
    const { block } = this.host.engine.reply;
    const fitting = Math.min(room, late.length);
    for (let i = 0; i < fitting; i++) block.view.setInt32((first + i) << 2, late[i], true);
    if (fitting < late.length) this.#keepLateRest(fitting);
    late.length = 0;
    return fitting / 3;
  }

  #keepLateRest(from: number): void {
    const late = this.#late;
    const { bytes } = this.host.engine.reply.block;
    for (let i = from; i < late.length; i += 3) {
      const reply = new Uint8Array(bytes.subarray(late[i + 1], late[i + 2]));
      this.#lateRest.push({ connection: late[i], reply });
    }
  }

  #postBackgroundReplies(): void {
    if (this.#late.length > 0) this.#postReplies(0);
  }

  #beginReplies(): void {
    this.host.engine.reply.position = BATCH_DATA_AT;
  }

  #control(message: ControlMessage): void {
    this.#command = `control message ${message.request.type}`;
    this.host.beforeBatch();
    const answer = this.host.control(message.request);
    this.#postBackgroundReplies();
    if (answer instanceof Promise) {
      answer.then(
        (value) => this.#post({ type: 'answer', id: message.id, answer: value }, []),
        (error) => this.#failed(error),
      );
    } else {
      this.#post({ type: 'answer', id: message.id, answer }, []);
    }
    this.host.afterBatch();
    if (message.request.type === 'stop') {
      this.#task.port.close();
      this.#finish();
    }
  }

  #post(message: MessageFromShard, transfer: ArrayBuffer[]): void {
    this.#task.port.postMessage(message, transfer);
  }

  #failed(error: unknown): void {
    this.#hasFailed = true;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.host.stop();
    this.#task.port.close();
    // The rejection of the task is what the gateway learns of it, so the text must say it all.
    this.#fail(new Error(`in ${this.#command}: ${text}`));
  }
}

/** The words at the start of a batch's block. */
function wordsOf(block: Block): Int32Array {
  return new Int32Array(block.bytes.buffer, block.bytes.byteOffset, BATCH_WORDS);
}

/** The Piscina task. */
export function runShard(task: ShardTask): Promise<void> {
  seedHash(task.seed);
  return new ShardThread(task).finished;
}

// Sends encoded commands through one connection and compares the replies with what is expected.
//
// The client has to stay light beside the server it loads: the commands are one long buffer, of
// which a window of WINDOW_CALLS is kept on its way, and of what comes back only the first byte of
// each reply is looked at before the end, at the place where it has to be. All bytes are compared
// when the clock has stopped. A reply may hold the same lines in another order: HGETALL of a hash
// table has none, and in redis-server it depends on a seed.

import { connect, type Socket } from 'node:net';
import { type CallSequence, sequenceOf } from './recorded-calls.ts';
import { isErrorReply, replyEnd } from './reply-scanner.ts';

/** Commands on their way: enough to saturate a server, few enough that neither side stores much. */
const WINDOW_CALLS = 128;
/** Without any byte for so long, a reply is missing. */
const SILENCE_MS = 30_000;
const SHOWN_BYTES = 200;

/** A place in a sequence and what has come of its replies. */
interface Progress {
  sent: number;
  answered: number;
  received: number;
}

/** Sends all calls; resolves with the seconds it took. Rejects when a reply is not as expected. */
export async function replay(
  port: number,
  calls: CallSequence,
  expected: CallSequence,
): Promise<number> {
  const { ends } = expected;
  const progress = { sent: 0, answered: 0, received: 0 };
  const chunks: Buffer[] = [];
  let startedAt = 0;
  let endedAt = 0;
  await converse(port, (socket) => {
    startedAt = performance.now();
    sendMore(socket, calls, progress);
    return (chunk) => {
      chunks.push(chunk);
      mustBeginRight(chunk, expected, progress);
      progress.received += chunk.length;
      while (progress.answered < ends.length && ends[progress.answered]! <= progress.received) {
        progress.answered++;
      }
      endedAt = performance.now();
      if (progress.answered === ends.length) return true;
      sendMore(socket, calls, progress);
      return false;
    };
  });
  mustBeSame(Buffer.concat(chunks), expected);
  return (endedAt - startedAt) / 1e3;
}

/** An error reply, or one of another length, shows at the first byte of the next at the latest. */
function mustBeginRight(chunk: Buffer, expected: CallSequence, progress: Progress): void {
  const { bytes, ends } = expected;
  const first = progress.received;
  for (let i = progress.answered; i < ends.length; i++) {
    const start = i === 0 ? 0 : ends[i - 1]!;
    if (start >= first + chunk.length) return;
    if (start >= first && chunk[start - first] !== bytes[start]) {
      throw unexpected(i + 1, chunk.subarray(start - first), bytes.subarray(start));
    }
  }
  const end = ends.at(-1) ?? 0;
  if (first + chunk.length > end) throw new Error('more replies than calls');
}

function mustBeSame(received: Buffer, { bytes, ends }: CallSequence): void {
  if (received.equals(bytes)) return;
  ends.forEach((end, i) => {
    const start = i === 0 ? 0 : ends[i - 1]!;
    const found = received.subarray(start, end);
    const wanted = bytes.subarray(start, end);
    const isSame = found.equals(wanted) || linesOf(found) === linesOf(wanted);
    if (!isSame) throw unexpected(i + 1, found, wanted);
  });
}

/** The lines of a reply without their order. */
function linesOf(reply: Buffer): string {
  return reply.toString('latin1').split('\r\n').sort().join('\r\n');
}

function unexpected(number: number, found: Buffer, wanted: Buffer): Error {
  const show = (bytes: Buffer) => JSON.stringify(bytes.toString('latin1', 0, SHOWN_BYTES));
  return new Error(`reply ${number} differs: ${show(found)} instead of ${show(wanted)}`);
}

/** Tops the window up once half of it is answered, so that a write carries many commands. */
function sendMore(socket: Socket, { bytes, ends }: CallSequence, progress: Progress): void {
  const inFlight = progress.sent - progress.answered;
  if (inFlight > WINDOW_CALLS / 2 || progress.sent === ends.length) return;
  const upTo = Math.min(ends.length, progress.answered + WINDOW_CALLS);
  const start = progress.sent === 0 ? 0 : ends[progress.sent - 1]!;
  socket.write(bytes.subarray(start, ends[upTo - 1]!));
  progress.sent = upTo;
}

/**
 * Sends all calls and gives their replies, to be expected of others. Rejects on an error reply: a
 * recording that fails on the server it was made with proves nothing.
 */
export async function repliesTo(port: number, calls: CallSequence): Promise<CallSequence> {
  const replies: Buffer[] = [];
  const progress = { sent: 0, answered: 0, received: 0 };
  let rest: Buffer = Buffer.alloc(0);
  if (calls.ends.length === 0) return sequenceOf([]);
  await converse(port, (socket) => {
    sendMore(socket, calls, progress);
    return (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      let at = 0;
      for (let end = 0; at < rest.length; at = end) {
        end = replyEnd(rest, at);
        if (end < 0) break;
        const reply = Buffer.from(rest.subarray(at, end));
        if (isErrorReply(reply, 0)) throw new Error(reply.toString('latin1').trim());
        replies.push(reply);
      }
      rest = rest.subarray(at);
      progress.answered = replies.length;
      if (replies.length === calls.ends.length) return true;
      sendMore(socket, calls, progress);
      return false;
    };
  });
  return sequenceOf(replies);
}

/**
 * Opens a connection for one exchange. `start` sends what begins it and gives the function that
 * takes what comes back and says whether that was all; what it throws ends the exchange.
 */
function converse(
  port: number,
  start: (socket: Socket) => (chunk: Buffer) => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const end = (error?: unknown) => {
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error(String(error)));
    };
    socket.setTimeout(SILENCE_MS, () => end(new Error('a reply is missing')));
    socket.once('error', end);
    socket.once('close', () => end(new Error('the server closed the connection')));
    socket.once('connect', () => {
      const take = start(socket);
      socket.on('data', (chunk: Buffer) => {
        try {
          if (take(chunk)) end();
        } catch (error) {
          end(error);
        }
      });
    });
  });
}

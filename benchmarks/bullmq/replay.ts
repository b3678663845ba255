// Sends encoded commands through one connection and compares the replies byte by byte.
//
// The client has to stay light beside the server it loads: the commands are one long buffer, of
// which a window of WINDOW_CALLS is kept on its way, and what comes back is compared in place with
// the bytes that are expected, without making anything of it. An unexpected byte ends the replay.

import { connect, type Socket } from 'node:net';
import { type CallSequence, sequenceOf } from './recorded-calls.ts';
import { isErrorReply, replyEnd } from './reply-scanner.ts';

/** Commands on their way: enough to saturate a server, few enough that neither side stores much. */
const WINDOW_CALLS = 128;
/** Without any byte for so long, a reply is missing. */
const SILENCE_MS = 30_000;
const SHOWN_BYTES = 100;

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
  const total = expected.ends.at(-1) ?? 0;
  const progress = { sent: 0, answered: 0, received: 0 };
  let startedAt = 0;
  await converse(port, (socket) => {
    startedAt = performance.now();
    sendMore(socket, calls, progress);
    return (chunk) => {
      const end = progress.received + chunk.length;
      const differs = end > total || chunk.compare(expected.bytes, progress.received, end) !== 0;
      if (differs) throw unexpected(chunk, expected, progress.received);
      progress.received = end;
      const { ends } = expected;
      while (progress.answered < ends.length && ends[progress.answered]! <= end) {
        progress.answered++;
      }
      if (progress.answered === ends.length) return true;
      sendMore(socket, calls, progress);
      return false;
    };
  });
  return (performance.now() - startedAt) / 1e3;
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

function unexpected(chunk: Buffer, expected: CallSequence, received: number): Error {
  const call = expected.ends.findIndex((end) => end > received);
  let at = 0;
  while (at < chunk.length && chunk[at] === expected.bytes[received + at]) at++;
  const place = expected.ends.findIndex((end) => end > received + at);
  const from = Math.max(0, at - SHOWN_BYTES / 2);
  const found = JSON.stringify(chunk.toString('latin1', from, from + SHOWN_BYTES));
  const wanted = JSON.stringify(
    expected.bytes.toString('latin1', received + from, received + from + SHOWN_BYTES),
  );
  return new Error(`reply ${Math.max(call, place) + 1} differs: ${found} instead of ${wanted}`);
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

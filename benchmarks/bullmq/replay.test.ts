import { once } from 'node:events';
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import { encodeCommand } from '../resp-client.ts';
import { sequenceOf } from './recorded-calls.ts';
import { replay, repliesTo } from './replay.ts';
import { RequestReader } from './request-reader.ts';

/** A server that answers each request with what `answer` says; gives its port. */
async function serve(t: Test, answer: (words: readonly Buffer[]) => string): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    const reader = new RequestReader();
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const replies = reader.feed(chunk).map(answer).join('');
      // In two parts, so that replies come cut anywhere.
      const middle = Math.floor(replies.length / 3);
      socket.write(replies.slice(0, middle));
      socket.write(replies.slice(middle));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

const CALLS = sequenceOf(
  Array.from({ length: 1_000 }, (_, i) => encodeCommand('ECHO', `${'x'.repeat(i % 300)}${i}`)),
);
const echo = (words: readonly Buffer[]) => `$${words[1]!.length}\r\n${words[1]}\r\n`;

t.test('what one run answers is expected of the next', async (t) => {
  const port = await serve(t, echo);
  const replies = await repliesTo(port, CALLS);
  t.equal(replies.ends.length, 1_000);
  t.ok((await replay(port, CALLS, replies)) > 0);
});

t.test('the first reply that differs is named', async (t) => {
  const expected = await repliesTo(await serve(t, echo), CALLS);
  const port = await serve(t, (words) =>
    String(words[1]).endsWith('x700') ? '$1\r\nA\r\n' : echo(words),
  );
  await t.rejects(replay(port, CALLS, expected), { message: /^reply 701 differs: .*\$1/ });
});

t.test('an error reply is no reference, and a closed connection is no reply', async (t) => {
  const failing = await serve(t, () => '-ERR no\r\n');
  await t.rejects(repliesTo(failing, CALLS), /ERR no/);
  const server = createServer((socket) => socket.on('data', () => socket.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  await t.rejects(repliesTo(port, CALLS), /closed|ECONNRESET|EPIPE/);
});

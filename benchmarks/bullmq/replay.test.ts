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

const isOf700 = (words: readonly Buffer[]) => String(words[1]).endsWith('x700');

t.test('the first reply that differs is named', async (t) => {
  const expected = await repliesTo(await serve(t, echo), CALLS);
  const longer = await serve(t, (words) => (isOf700(words) ? '$1\r\nA\r\n' : echo(words)));
  await t.rejects(replay(longer, CALLS, expected), { message: /^reply 70\d differs: / });
  const other = await serve(t, (words) =>
    isOf700(words) ? echo(words).replace('x7', 'y7') : echo(words),
  );
  await t.rejects(replay(other, CALLS, expected), { message: /^reply 701 differs: .*y700/ });
  const failing = await serve(t, (words) => (isOf700(words) ? '-ERR no\r\n' : echo(words)));
  await t.rejects(replay(failing, CALLS, expected), { message: /^reply 701 differs: "-ERR no/ });
});

t.test('the order of lines within a reply is open, their number and text are not', async (t) => {
  const answer = (lines: readonly string[]) => () => `*2\r\n${lines.join('\r\n')}\r\n`;
  const expected = await repliesTo(await serve(t, answer(['$1', 'a', '$2', 'bc'])), CALLS);
  const turned = await serve(t, answer(['$2', 'bc', '$1', 'a']));
  t.ok((await replay(turned, CALLS, expected)) > 0);
  const wrong = await serve(t, answer(['$2', 'bc', '$1', 'b']));
  await t.rejects(replay(wrong, CALLS, expected), { message: /^reply 1 differs/ });
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

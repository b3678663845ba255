import t from 'tap';
import { encodeCommand, type Reply, ReplyReader } from './resp-client.ts';

const BYTES = Buffer.from(
  '+OK\r\n:-7\r\n$-1\r\n$4\r\na\r\nb\r\n$0\r\n\r\n*-1\r\n' +
    '*2\r\n$1\r\nq\r\n*1\r\n:1\r\n*0\r\n-ERR x\r\n',
);
const REPLIES: Reply[] = ['OK', -7, null, 'a\r\nb', '', null, ['q', [1]], [], new Error('ERR x')];

function readAll(chunks: Iterable<Buffer>): Reply[] {
  const replies: Reply[] = [];
  const reader = new ReplyReader((reply) => replies.push(reply));
  for (const chunk of chunks) reader.feed(chunk);
  return replies;
}

t.test('replies whole, byte by byte, and in every split in two', async (t) => {
  t.same(readAll([BYTES]), REPLIES);
  t.same(readAll(Array.from(BYTES, (byte) => Buffer.of(byte))), REPLIES);
  for (let i = 1; i < BYTES.length; i++) {
    t.same(readAll([BYTES.subarray(0, i), BYTES.subarray(i)]), REPLIES);
  }
});

t.test('what is not RESP is refused', async (t) => {
  t.throws(() => readAll([Buffer.from('HTTP/1.1 400\r\n')]), /not a RESP2 reply/);
});

t.test('commands are binary-safe', async (t) => {
  const bytes = encodeCommand('SET', Buffer.of(0xff, 0x00), '\r\n');
  const wanted = Buffer.from('*3\r\n$3\r\nSET\r\n$2\r\n\xff\x00\r\n$2\r\n\r\n\r\n', 'latin1');
  t.same(bytes, wanted);
});

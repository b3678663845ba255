import t from 'tap';
import { encodeCommand } from '../resp-client.ts';
import { RequestReader } from './request-reader.ts';

const BINARY = Buffer.from([0x00, 0x0d, 0x0a, 0xff, 0x24, 0x2a]);
const REQUESTS = [
  [Buffer.from('EVALSHA'), Buffer.from('0123'), Buffer.from('1'), Buffer.from('key'), BINARY],
  [Buffer.from('PING')],
  [Buffer.from('SET'), Buffer.from('empty'), Buffer.alloc(0)],
];
const BYTES = Buffer.concat(REQUESTS.map((words) => encodeCommand(...words)));

t.test('requests come out whole, in one chunk and byte by byte', async (t) => {
  t.same(new RequestReader().feed(BYTES), REQUESTS);
  for (const step of [1, 2, 3, 7]) {
    const reader = new RequestReader();
    const found = [];
    for (let at = 0; at < BYTES.length; at += step) {
      // The chunk's memory is used again, as a socket's may be.
      const chunk = Buffer.from(BYTES.subarray(at, at + step));
      found.push(...reader.feed(chunk));
      chunk.fill(0);
    }
    t.same(found, REQUESTS, `in steps of ${step}`);
  }
});

t.test('what is no request is refused', async (t) => {
  t.throws(() => new RequestReader().feed(Buffer.from('PING\r\n')), /not a request/);
  t.throws(() => new RequestReader().feed(Buffer.from('*1\r\n$x\r\n')), /not a request/);
});

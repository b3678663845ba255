import t from 'tap';
import { isErrorReply, replyEnd } from './reply-scanner.ts';

const REPLIES = [
  '+OK\r\n',
  ':-12\r\n',
  '$-1\r\n',
  '$0\r\n\r\n',
  '$5\r\na\r\n$1\r\n',
  '*-1\r\n',
  '*0\r\n',
  '*3\r\n*2\r\n$1\r\na\r\n:1\r\n*0\r\n+x\r\n',
  '-ERR no\r\n',
];

t.test('ends are found, and not before all is there', async (t) => {
  const all = Buffer.from(REPLIES.join(''), 'latin1');
  let at = 0;
  for (const reply of REPLIES) {
    const end = at + reply.length;
    t.equal(replyEnd(all, at), end, JSON.stringify(reply));
    for (let cut = at; cut < end; cut++) t.equal(replyEnd(all.subarray(0, cut), at), -1);
    t.equal(isErrorReply(all, at), reply.startsWith('-'));
    at = end;
  }
});

t.test('what is no RESP2 reply is refused', async (t) => {
  t.throws(() => replyEnd(Buffer.from('_\r\n'), 0), /not a RESP2 reply/);
});

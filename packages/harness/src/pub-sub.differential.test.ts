/**
 * Publish and subscribe beside redis-server: programs of several connections, the same on both, and
 * the same bytes on every connection after each step.
 *
 * What Redis leaves open (the order in which channels are listed or left) is not asked for. A
 * client that publishes to itself gets the reply before the message, as from Redis 7.2 on; 7.0 has
 * the message first, and in the midst of the reply to EXEC. Those steps have a reply of their own
 * here.
 */
import t, { type Test } from 'tap';
import { wordsOf } from './command-text.ts';
import { TEST_MS_MAX } from './limits.ts';
import {
  oracleMissing,
  RawClient,
  request,
  startOracle,
  startServer,
  testUnlessMissing,
} from './tools.ts';

t.setTimeout(TEST_MS_MAX);

/** `a: COMMAND …` sends on connection a; all that connections got by then is compared. */
const PROGRAMS: { readonly [name: string]: string } = {
  'subscriptions and their counts': `
    a: UNSUBSCRIBE
    a: PUNSUBSCRIBE
    a: SUNSUBSCRIBE
    a: UNSUBSCRIBE x y
    a: SUBSCRIBE a b a
    a: PSUBSCRIBE a* b* a*
    a: SSUBSCRIBE a s
    b: PUBSUB NUMSUB a zz
    b: PUBSUB NUMSUB
    b: PUBSUB NUMPAT
    b: PUBSUB CHANNELS a*
    b: PUBSUB CHANNELS [
    b: PUBSUB CHANNELS a b
    b: PUBSUB SHARDCHANNELS s
    b: PUBSUB SHARDNUMSUB a b
    b: PUBSUB SHARDCHANNELS a b
    b: PUBSUB NUMPAT x
    b: PUBSUB
    b: PUBSUB nope
    b: PUBSUB HELP
    b: PUBLISH a text
    b: SPUBLISH a text
    b: PUBLISH s text
    b: SPUBLISH b text
    b: PUBLISH a
    a: UNSUBSCRIBE b
    a: UNSUBSCRIBE
    a: PUNSUBSCRIBE
    a: GET k
    a: SUNSUBSCRIBE s
    a: SUNSUBSCRIBE
    a: GET k
    b: PUBLISH a text
    b: PUBSUB CHANNELS
    b: COMMAND GETKEYS SSUBSCRIBE a b
  `,
  'what a subscriber may do in RESP2': `
    a: SUBSCRIBE c
    a: GET k
    a: client list
    a: CLIENT nope
    a: NOPE
    a: GET
    a: HELLO 3
    a: MULTI
    a: EXEC
    a: PUBLISH c text
    a: PING
    a: PING text
    a: PING too many
    a: RESET
    a: PING
    b: PUBLISH c text
    a: SUBSCRIBE c
    a: QUIT
    b: PUBSUB NUMSUB c
  `,
  'what a subscriber may do in RESP3': `
    a: HELLO 3
    a: SUBSCRIBE c d
    a: PSUBSCRIBE c*
    a: SSUBSCRIBE s
    b: PUBLISH c text
    b: SPUBLISH s text
    a: SET k v
    a: GET k
    a: PING
    a: PING text
    a: MULTI
    a: INCR n
    b: PUBLISH c between
    a: EXEC
    a: CLIENT REPLY OFF
    b: PUBLISH c silent
    a: SUBSCRIBE e
    a: GET k
    a: CLIENT REPLY ON
    a: CLIENT REPLY SKIP
    b: PUBLISH c skipped
    a: PUBLISH nobody text
    a: GET k
    a: PUNSUBSCRIBE
    a: UNSUBSCRIBE c
    a: UNSUBSCRIBE e d
    a: SUNSUBSCRIBE
    a: UNSUBSCRIBE
    a: RESET
    a: GET k
  `,
  transactions: `
    a: SUBSCRIBE c
    b: MULTI
    b: SET k v
    b: PUBLISH c one
    b: INCR n
    b: PUBLISH c two
    b: PUBSUB NUMSUB c
    b: EXEC
    b: MULTI
    b: PUBLISH c never
    b: NOPE
    b: EXEC
    b: MULTI
    b: SUBSCRIBE d
    b: PSUBSCRIBE d*
    b: GET k
    b: EXEC
    b: GET k
    b: PING
    a: UNSUBSCRIBE
    a: PUBLISH d text
    a: MULTI
    a: SPUBLISH d text
    a: UNSUBSCRIBE
    a: EXEC
    a: GET k
  `,
  scripts: `
    a: SUBSCRIBE c
    b: EVAL "return redis.call('publish', 'c', 'text')" 0
    b: PUBLISH c after
    b: EVAL "for i = 1, 3 do redis.call('set', KEYS[1], i); redis.call('PUBLISH', 'c', i) end return redis.call('get', KEYS[1])" 1 k
    b: PUBLISH c after
    a: PSUBSCRIBE c*
    a: SSUBSCRIBE c
    b: EVAL "return {redis.call('publish', 'c', 'x'), redis.call('spublish', 'c', 'y'), redis.call('publish', 'd', 'z')}" 0
    b: EVAL "redis.call('publish', 'c', 'before'); return redis.call('incr', KEYS[1], 'too', 'many')" 1 k
    b: EVAL "return redis.pcall('publish', 'c')" 0
    b: EVAL "return redis.call('subscribe', 'c')" 0
    b: EVAL_RO "return redis.call('publish', 'c', 'x')" 0
    b: MULTI
    b: EVAL "return redis.call('publish', 'c', 'in exec')" 0
    b: PUBLISH c behind
    b: EXEC
    a: PUNSUBSCRIBE
    a: UNSUBSCRIBE
    b: EVAL "return redis.call('publish', 'c', 'text')" 0
  `,
  patterns: `
    a: PSUBSCRIBE h?llo
    b: PUBLISH hello 1
    b: PUBLISH hillo 2
    b: PUBLISH hallooo 3
    a: PUNSUBSCRIBE
    a: PSUBSCRIBE ""
    b: PUBLISH hello 1
    b: PUBLISH "" 3
    a: PUNSUBSCRIBE
    a: PSUBSCRIBE *
    b: PUBLISH "" 3
    b: PUBLISH * 4
    b: PUBLISH "\\x00\\xff\\r\\n" "\\x00\\xff\\r\\n"
    a: PUNSUBSCRIBE
    a: PSUBSCRIBE "[\\x80-\\x90]"
    b: PUBLISH "\\x85" 5
    b: PUBLISH a 6
  `,
  'clients that are ended': `
    a: SUBSCRIBE c
    b: CLIENT KILL TYPE pubsub
    b: PUBSUB NUMSUB c
    b: CLIENT KILL TYPE pubsub
    b: PUBLISH c text
  `,
};

/** Publishing to oneself, in one pipeline, with what hashlane replies. */
const OWN = [
  ['HELLO 3', ''],
  ['SUBSCRIBE c', '>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n'],
  ['PUBLISH c x', ':1\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n'],
  ['PING', '+PONG\r\n'],
  ['MULTI', '+OK\r\n'],
  ['PUBLISH c z', '+QUEUED\r\n'],
  ['PUBLISH d z', '+QUEUED\r\n'],
  ['EXEC', '*2\r\n:1\r\n:0\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nz\r\n'],
  ['PUBLISH c last', ':1\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\nlast\r\n'],
  ['UNSUBSCRIBE', '>3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:0\r\n'],
] as const;

const END = 'end of step';
/** PING is answered in every mode, and so marks the end of what a step gave. */
const ENDS = [`$${END.length}\r\n${END}\r\n`, `*2\r\n$4\r\npong\r\n$${END.length}\r\n${END}\r\n`];

async function upToEnd(client: RawClient): Promise<string> {
  let got = '';
  client.send(request('PING', END));
  for (;;) {
    let reply: string;
    try {
      reply = await client.reply();
    } catch {
      return `${got}(closed)`;
    }
    if (ENDS.includes(reply)) return got;
    got += reply;
  }
}

/** Up to the first reply that is no message; between MULTI and EXEC a PING would be queued. */
async function upToReply(client: RawClient): Promise<string> {
  let got = '';
  for (;;) {
    const reply = await client.reply();
    got += reply;
    if (!reply.startsWith('>')) return got;
  }
}

/** A connection of a program, and what can be read from it. */
interface Actor {
  readonly name: string;
  readonly client: RawClient;
  /** Its commands are queued. */
  isInMulti: boolean;
  /** It gets no replies, until it says so. */
  isSilent: boolean;
}

/** What each connection got after each step. */
async function transcript(port: number, program: string): Promise<string[]> {
  using first = await RawClient.connect(port);
  using second = await RawClient.connect(port);
  const a: Actor = { name: 'a', client: first, isInMulti: false, isSilent: false };
  const b: Actor = { name: 'b', client: second, isInMulti: false, isSilent: false };
  b.client.send(request('FLUSHALL'));
  await b.client.reply();
  const lines: string[] = [];
  for (const line of program.trim().split('\n')) {
    const text = line.trim();
    const [actor, other] = text.startsWith('a:') ? [a, b] : [b, a];
    const words = wordsOf(text.slice(2).trim());
    actor.client.send(request(...words));
    if (words[0] === 'EXEC') actor.isInMulti = false;
    if (words[1] === 'REPLY') actor.isSilent = words[2] !== 'ON';
    if (actor.isSilent) {
      // SKIP is over after the next command.
      if (words[0] === 'PUBLISH') actor.isSilent = false;
    } else if (actor.isInMulti || words[0] === 'MULTI') {
      const reply = await upToReply(actor.client);
      if (words[0] === 'MULTI') actor.isInMulti = reply.endsWith('+OK\r\n');
      lines.push(`${text} -> ${reply}`);
    } else {
      lines.push(`${text} -> ${await upToEnd(actor.client)}`);
    }
    if (!other.isInMulti && !other.isSilent) {
      lines.push(`${other.name} -> ${await upToEnd(other.client)}`);
    }
  }
  return lines;
}

const missing = oracleMissing();

for (const shards of [0, 1, 2]) {
  testUnlessMissing(t, `pub/sub beside redis-server, ${shards} shards`, missing, async (t) => {
    await using oracle = await startOracle();
    await using server = await startServer({ shards });
    for (const [name, program] of Object.entries(PROGRAMS)) {
      const expected = await transcript(oracle.port, program);
      const found = await transcript(server.port, program);
      t.strictSame(found.map(withoutMarks), expected.map(withoutMarks), name);
    }
  });

  void t.test(`messages to oneself, ${shards} shards`, async (t: Test) => {
    await using server = await startServer({ shards });
    using client = await RawClient.connect(server.port);
    client.send(OWN.map(([command]) => request(...wordsOf(command)).toString('latin1')).join(''));
    // HELLO's reply names the version.
    await client.reply();
    t.equal(await upToEnd(client), OWN.map(([, reply]) => reply).join(''));
  });
}

/** HELLO names the version, and numbers the client. */
function withoutMarks(line: string): string {
  return line.includes('HELLO') ? line.replace(/\d+\.\d+\.\d+|\$\d+|:\d+/g, '#') : line;
}

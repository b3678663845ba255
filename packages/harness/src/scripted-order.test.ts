/**
 * The order of one client's commands when scripts for several shards are among them: replies come in
 * the order of the requests, and each sees what the client did before.
 *
 * The requests arrive in pieces over many turns of the server's loop, because a script that waits
 * for other shards must not be overtaken by what arrives while it waits.
 */
import t from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { SeededRandom } from './seeded-random.ts';
import { start } from './start.ts';
import { RawClient, request } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const COMMANDS = 600;
const KEYS = 12;
const INCREMENT = "return redis.call('INCR', KEYS[1])";
/** Another key than the one that is named. */
const INCREMENT_OTHER = "return redis.call('INCR', ARGV[1])";

/** Requests, and the replies that they must have. */
class Script {
  readonly requests: Buffer[] = [];
  readonly replies: string[] = [];
  readonly #counts = new Map<string, number>();
  readonly #random: SeededRandom;
  readonly #prefix: string;

  constructor(seed: number, prefix: string) {
    this.#prefix = prefix;
    this.#random = new SeededRandom(seed);
    while (this.requests.length < COMMANDS) this.#add();
  }

  #key(): string {
    return `bull:${this.#prefix}-${this.#random.below(KEYS)}:count`;
  }

  #next(key: string): string {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return `:${count}\r\n`;
  }

  #send(reply: string, ...args: (string | number)[]): void {
    this.requests.push(request(...args));
    this.replies.push(reply);
  }

  #add(): void {
    const [key, other] = [this.#key(), this.#key()];
    const kind = this.#random.below(5);
    if (kind === 0) this.#send(this.#next(key), 'INCR', key);
    else if (kind === 1) this.#send(this.#next(key), 'EVAL', INCREMENT, 1, key);
    else if (kind === 2) this.#send(this.#next(other), 'EVAL', INCREMENT_OTHER, 1, key, other);
    else if (kind === 3) this.#send('$1\r\nx\r\n', 'ECHO', 'x');
    else this.#transaction(key, other);
  }

  #transaction(key: string, other: string): void {
    this.#send('+OK\r\n', 'MULTI');
    this.#send('+QUEUED\r\n', 'EVAL', INCREMENT, 1, key);
    this.#send('+QUEUED\r\n', 'EVAL', INCREMENT_OTHER, 1, key, other);
    this.#send('+QUEUED\r\n', 'INCR', other);
    this.#send(`*3\r\n${this.#next(key)}${this.#next(other)}${this.#next(other)}`, 'EXEC');
  }
}

/**
 * Sends the requests in pieces, the next one when most replies to those before have come: then a
 * script that had to wait is just about to be executed. Resolves with the replies.
 */
async function play(port: number, { requests }: Script, seed: number): Promise<string[]> {
  using client = await RawClient.connect(port);
  const random = new SeededRandom(seed);
  const replies: string[] = [];
  for (let at = 0; at < requests.length; ) {
    const end = Math.min(requests.length, at + 1 + random.below(4));
    client.send(Buffer.concat(requests.slice(at, end)));
    at = end;
    const unread = random.below(3);
    while (replies.length < at - unread) replies.push(await client.reply());
  }
  while (replies.length < requests.length) replies.push(await client.reply());
  return replies;
}

for (const shards of [0, 4]) {
  void t.test(`scripts keep their place among a client's commands: ${shards} shards`, async (t) => {
    // In this process, so that input comes in between the steps of the server's own loop.
    await using server = await start({ shards });
    const clients = Array.from({ length: 3 }, async (_, seed) => {
      const script = new Script(seed, `client${seed}`);
      t.strictSame(await play(server.port, script, seed), script.replies, `seed ${seed}`);
    });
    await Promise.all(clients);
  });
}

/**
 * For differential tests: a redis-server of our own on a unix socket, and raw replies from it.
 *
 * Where redis is not installed `redisMissing` says so, for a test's `skip`; with CI=true it throws,
 * so that the comparison is not silently left out there.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Command = readonly (string | number)[];

/** False, or the reason why tests against redis-server are left out. */
export function redisMissing(): string | false {
  if (spawnSync('redis-server', ['--version']).error === undefined) return false;
  const reason = 'left out: redis-server is not installed here';
  if (process.env.CI === 'true') throw new Error(`${reason}, and CI=true demands it`);
  return reason;
}

export class RedisServer {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #socket: Socket;

  private constructor(child: ChildProcess, directory: string, socket: Socket) {
    this.#child = child;
    this.#directory = directory;
    this.#socket = socket;
  }

  /** Starts a server that saves nothing, with these further options. */
  static async start(...options: string[]): Promise<RedisServer> {
    const directory = mkdtempSync(join(tmpdir(), 'hashlane-core-'));
    const path = join(directory, 'socket');
    const args = ['--port', '0', '--unixsocket', path, '--dir', directory, '--save', ''];
    const child = spawn('redis-server', [...args, ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    process.once('exit', () => child.kill('SIGKILL'));
    let log = '';
    for await (const chunk of child.stdout) {
      log += String(chunk);
      if (log.includes('ready to accept connections')) break;
    }
    const socket = connect(path);
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RedisServer(child, directory, socket);
  }

  /** Executes commands (latin1 words) in one pipeline and returns their raw replies in order. */
  async call(commands: readonly Command[]): Promise<string[]> {
    const { promise, resolve } = Promise.withResolvers<string[]>();
    let text = '';
    const replies: string[] = [];
    let from = 0;
    const receive = (chunk: Buffer): void => {
      text += chunk.latin1Slice();
      while (replies.length < commands.length) {
        const end = replyEnd(text, from);
        if (end < 0) return;
        replies.push(text.slice(from, end));
        from = end;
      }
      resolve(replies);
    };
    this.#socket.on('data', receive);
    this.#socket.write(commands.map(toWire).join(''), 'latin1');
    await promise;
    this.#socket.off('data', receive);
    return replies;
  }

  async stop(): Promise<void> {
    this.#socket.destroy();
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function toWire(command: Command): string {
  const words = command.map(String);
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

/** Offset after the reply that begins at `from`, or −1 when it is not whole. */
function replyEnd(text: string, from: number): number {
  let at = from;
  for (let left = 1; left > 0; left--) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return -1;
    const type = text[at];
    const number = Number(text.slice(at + 1, lineEnd));
    at = lineEnd + 2;
    if (type === '$' && number >= 0) at += number + 2;
    if (type === '*' || type === '~' || type === '>') left += Math.max(0, number);
    if (type === '%') left += 2 * number;
    if (at > text.length) return -1;
  }
  return at;
}

/**
 * For differential tests: a redis-server of our own on a unix socket that evaluates scripts.
 *
 * Where redis is not installed `redisMissing` says so, for a test's `skip`; with CI=true it throws,
 * so that the comparison is not silently left out there. Scripts must return a string; an error
 * comes back as its line with `-`.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

  static async start(): Promise<RedisServer> {
    const directory = mkdtempSync(join(tmpdir(), 'hashlane-lua-'));
    const path = join(directory, 'socket');
    const args = ['--port', '0', '--unixsocket', path, '--dir', directory, '--save', ''];
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
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

  /** What each script returns, in order. */
  async evaluate(scripts: readonly string[]): Promise<string[]> {
    const { promise, resolve } = Promise.withResolvers<string[]>();
    const replies: string[] = [];
    let text = '';
    const receive = (chunk: Buffer): void => {
      text += chunk.latin1Slice();
      let from = 0;
      while (replies.length < scripts.length) {
        const lineEnd = text.indexOf('\r\n', from);
        if (lineEnd < 0) break;
        const line = text.slice(from, lineEnd);
        const size = line.startsWith('$') ? Number(line.slice(1)) : -1;
        if (size >= 0 && text.length < lineEnd + size + 4) break;
        replies.push(size < 0 ? line : text.slice(lineEnd + 2, lineEnd + 2 + size));
        from = size < 0 ? lineEnd + 2 : lineEnd + size + 4;
      }
      text = text.slice(from);
      if (replies.length === scripts.length) resolve(replies);
    };
    this.#socket.on('data', receive);
    for (const script of scripts) {
      const head = `*3\r\n$4\r\nEVAL\r\n$${script.length}\r\n`;
      this.#socket.write(`${head}${script}\r\n$1\r\n0\r\n`, 'latin1');
    }
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

/**
 * For tests: a redis-server of our own, on a unix socket in a temporary directory, and redis-cli
 * as its client. Where redis is not installed, `redisMissing` says so, for a test's `skip`; with
 * CI=true it throws instead, so that the comparison is not silently left out there.
 */

import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** False, or the reason why tests against redis-server are left out. */
export function redisMissing(): string | false {
  const found = ['redis-server', 'redis-cli', 'redis-check-rdb'].every(
    (program) => spawnSync(program, ['--version']).error === undefined,
  );
  if (found) return false;
  const reason = 'left out: redis-server, redis-cli and redis-check-rdb are not installed here';
  if (process.env.CI === 'true') throw new Error(`${reason}, and CI=true demands them`);
  return reason;
}

export async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'hashlane-rdb-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export class RedisProcess implements AsyncDisposable {
  readonly dir: string;
  readonly #child: ChildProcess;

  private constructor(dir: string, child: ChildProcess) {
    this.dir = dir;
    this.#child = child;
  }

  /** Starts a server on `dir`, whose dump.rdb it loads; rejects with its log when it gives up. */
  static async start(dir: string): Promise<RedisProcess> {
    const args = ['--port', '0', '--unixsocket', 'socket', '--dir', dir, '--save', ''];
    const child = spawn('redis-server', args, { cwd: dir, stdio: ['ignore', 'pipe', 'inherit'] });
    // A test that dies of an uncaught error disposes of nothing.
    const killAtExit = (): boolean => child.kill('SIGKILL');
    process.once('exit', killAtExit);
    child.once('exit', () => process.removeListener('exit', killAtExit));
    let log = '';
    for await (const line of createInterface({ input: child.stdout })) {
      log += `${line}\n`;
      if (!line.includes('ready to accept connections')) continue;
      // Read on, lest a full pipe stop the server.
      child.stdout.resume();
      return new RedisProcess(dir, child);
    }
    throw new Error(`redis-server did not start:\n${log}`);
  }

  /** One command; the reply in redis-cli's raw form, without the final newline. */
  async command(...args: string[]): Promise<Buffer> {
    const reply = await this.#cli(args, '');
    return reply.subarray(0, -1);
  }

  /** Commands, one a line, in redis-cli's quoting. Rejects when one of them fails. */
  async script(lines: readonly string[]): Promise<void> {
    const replies = (await this.#cli([], `${lines.join('\n')}\n`)).toString('latin1');
    const error = /^(?:ERR|WRONGTYPE|Invalid|BUSYKEY).*$/m.exec(replies);
    if (error !== null) throw new Error(error[0]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }

  #cli(args: readonly string[], input: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const options = { encoding: 'buffer', maxBuffer: 1 << 28 } as const;
      const all = ['-s', join(this.dir, 'socket'), ...args];
      const child = execFile('redis-cli', all, options, (error, stdout) => {
        if (error === null) resolve(stdout);
        else reject(error);
      });
      // With arguments redis-cli reads no input and may be gone before this: its exit code counts.
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
    });
  }
}

/** Bytes as an argument in redis-cli's quoting. */
export function quoted(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `"${hex.replace(/../g, '\\x$&')}"`;
}

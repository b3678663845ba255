/**
 * A server as a child process, for tests: `await using server = await startServer({ shards: 2 })`.
 *
 * It runs on a free port and, unless a directory is given, in a temporary one that goes with it.
 * Its log is collected and is part of every error. It starts with `--save ""` unless the arguments
 * say something about `save`. It is stopped with SIGTERM and awaited when the scope is left, and
 * killed when the test's process dies first.
 *
 * Readiness is the line `Ready to accept connections`, which hashlane and redis-server both write.
 * Between finding a free port and the server's listening another process may take the port: then
 * the start is tried again on another one.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { START_MS_MAX } from './limits.ts';
import { RawClient } from './raw-client.ts';

/** The command line lies beside the module of the package: cli.ts here, cli.js when published. */
const CLI = fileURLToPath(import.meta.resolve('hashlane').replace(/index\.([jt]s)$/, 'cli.$1'));
const READY = 'Ready to accept connections';
const START_TRIES = 3;

export interface ServerOptions {
  /** 0 (the default) is the in-process shard. */
  readonly shards?: number;
  readonly args?: readonly string[];
  /** Working directory and `--dir`; not removed at the end. */
  readonly dir?: string;
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How to start a program that is a server. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly dir: string;
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  /** The directory goes with the server. */
  readonly ownsDir: boolean;
}

export class ServerProcess implements AsyncDisposable {
  readonly port: number;
  readonly dir: string;
  /** Settles when the process has ended. */
  readonly exited: Promise<Exit>;
  /** Everything it wrote so far. */
  log = '';
  readonly #child: ChildProcess;
  readonly #ownsDir: boolean;

  constructor({ program, args, dir, port, env, ownsDir }: Launch) {
    this.port = port;
    this.dir = dir;
    this.#ownsDir = ownsDir;
    this.#child = spawn(program, args, {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), ...env },
    });
    const killAtExit = (): boolean => this.#child.kill('SIGKILL');
    process.once('exit', killAtExit);
    this.exited = once(this.#child, 'close').then(([code, signal]) => {
      process.removeListener('exit', killAtExit);
      return { code, signal };
    });
    const collect = (chunk: Buffer): void => {
      this.log += chunk.toString();
    };
    this.#child.stdout?.on('data', collect);
    this.#child.stderr?.on('data', collect);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves when the log says that the server is ready; rejects with the log otherwise. */
  async ready(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (this.log.includes(READY)) resolve();
    };
    this.#child.stdout?.on('data', look);
    const timer = setTimeout(
      () => reject(new Error(`the server is not ready:\n${this.log}`)),
      START_MS_MAX,
    );
    void this.exited.then(({ code }) => {
      reject(new Error(`the server ended with code ${code}:\n${this.log}`));
    });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#child.stdout?.off('data', look);
    }
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.port);
  }

  /** Resident memory in bytes (Linux). */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** SIGTERM, and the exit that follows. */
  stop(): Promise<Exit> {
    this.signal('SIGTERM');
    return this.exited;
  }

  kill(): Promise<Exit> {
    this.signal('SIGKILL');
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const timer = setTimeout(() => this.signal('SIGKILL'), START_MS_MAX);
    await this.stop();
    clearTimeout(timer);
    if (this.#ownsDir) rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The environment without what would configure a server, or change the form of its log. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(HASHLANE_|NODE_OPTIONS$|NODE_V8_COVERAGE$|TAP)/.test(name),
  );
  return Object.fromEntries(kept);
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Starts a program until it got a port of its own; `argsFor` makes its arguments. */
export async function launch(
  program: string,
  argsFor: (port: number, dir: string) => readonly string[],
  { dir, port, env }: ServerOptions,
): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt++) {
    const chosenPort = port ?? (await freePort());
    const chosenDir = dir ?? mkdtempSync(join(tmpdir(), 'hashlane-test-'));
    const args = argsFor(chosenPort, chosenDir);
    const ownsDir = dir === undefined;
    const options = { program, args, dir: chosenDir, port: chosenPort, env, ownsDir };
    const server = new ServerProcess(options);
    try {
      await server.ready();
      return server;
    } catch (error) {
      await server.kill();
      if (ownsDir) rmSync(chosenDir, { recursive: true, force: true });
      const isTaken = /in use|Address already/i.test(server.log) && port === undefined;
      if (!isTaken || attempt === START_TRIES) throw error;
    }
  }
}

/** Arguments of hashlane's process: those of node first. */
export function serverArguments(options: ServerOptions, port: number, dir: string): string[] {
  const { shards = 0, args = [] } = options;
  const save = args.includes('--save') ? [] : ['--save', ''];
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--shards', String(shards)];
  return [CLI, ...own, '--dir', dir, ...save, ...args];
}

/** Starts hashlane. Rejects with its log when it does not become ready. */
export function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const argsFor = (port: number, dir: string) => serverArguments(options, port, dir);
  return launch(process.execPath, argsFor, options);
}

/** Runs `hashlane` with these words until it ends: what it wrote, and its exit. */
export async function runCommandLine(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Exit & { readonly log: string }> {
  const words = [CLI, ...args];
  const options = { program: process.execPath, args: words, dir: tmpdir(), port: 0, env };
  const child = new ServerProcess({ ...options, ownsDir: false });
  const exit = await child.exited;
  return { ...exit, log: child.log };
}

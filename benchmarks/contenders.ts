// The servers that are compared: how each is started on a free port, known by pid, and stopped.
//
// A contender is a recipe, a RunningServer is a process. redis-server runs without persistence;
// hashlane is started from its sources by the Node that runs the benchmark, one contender for each
// number of shards. `control` is a second redis-server: what its ratios differ from 1 by is the
// noise of the machine.
//
// Every child is in one set from spawn to exit, and stopChildren() ends what is in it, so an
// interrupted run leaves nothing behind. No process is ever looked up or ended by name.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectClient } from './resp-client.ts';

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 20_000;
const LOG_TAIL_BYTES = 4_000;
const CLI = join(import.meta.dirname, '..', 'packages', 'gateway', 'src', 'cli.ts');

/** The server's command line without the executable. */
type Argv = (port: number, dir: string) => readonly string[];

export interface Contender {
  /** As given to --contenders. */
  readonly name: string;
  /** As shown in tables. */
  readonly label: string;
  readonly command: string;
  readonly argv: Argv;
  /** A file without which it cannot start. */
  readonly needs?: string;
}

export interface RunningServer {
  readonly contender: Contender;
  readonly port: number;
  readonly pid: number;
  /** Rejects when the server dies without having been asked to. */
  stop(): Promise<void>;
}

const redisArgv: Argv = (port, dir) => [
  ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir],
  ...['--save', '', '--appendonly', 'no'],
];

/** Command line of hashlane, after the path of its cli.ts. */
export function hashlaneArgv(port: number, dir: string, shards: string): string[] {
  return [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir],
    ...['--save', '', '--shards', shards],
  ];
}

export const HASHLANE_CLI: string = CLI;

/** `redis`, `control`, `inproc`, or a number of shards. Throws on anything else. */
export function contenderNamed(name: string): Contender {
  if (name === 'redis' || name === 'control') {
    const label = name === 'redis' ? 'redis-server' : 'redis-server (control)';
    return { name, label, command: 'redis-server', argv: redisArgv };
  }
  const shards = name === 'inproc' ? '0' : name;
  if (!/^\d{1,3}$/.test(shards)) throw new Error(`unknown contender '${name}'`);
  return {
    name: shards === '0' ? 'inproc' : shards,
    label: shards === '0' ? 'in-process' : `${shards} shard${shards === '1' ? '' : 's'}`,
    command: process.execPath,
    argv: (port, dir) => [CLI, ...hashlaneArgv(port, dir, shards)],
    needs: CLI,
  };
}

const children = new Set<ChildProcess>();
const groups = new WeakSet<ChildProcess>();
const folders = new Set<string>();

/**
 * spawn() whose child is ended by stopChildren(). With `isGroup` it leads a process group of its
 * own and all of that is ended: for a launcher that puts the thing to measure below itself.
 */
export function spawnChild(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  isGroup = false,
): ChildProcess {
  const child = spawn(command, args, { ...options, detached: isGroup });
  children.add(child);
  const forget = () => children.delete(child);
  child.once('error', forget);
  // The rest of a group may outlive its leader.
  if (isGroup) groups.add(child);
  else child.once('exit', forget);
  return child;
}

/** Ends every child at once; for signal handlers and the end of the process. */
export function stopChildren(): void {
  for (const child of children) {
    if (child.pid === undefined) continue;
    try {
      process.kill(groups.has(child) ? -child.pid : child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** A folder for a server's files; removed with removeFolder(), at the latest by stopChildren(). */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hashlane-bench-'));
  folders.add(folder);
  return folder;
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  folders.delete(folder);
}

/** The code to exit with on SIGINT or SIGTERM is 130; children are gone before. */
export function stopChildrenOnSignals(): void {
  process.once('exit', stopChildren);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => process.exit(130));
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Starts the contender and waits until it answers PING. Throws with the end of its log if not. */
export async function startServer(contender: Contender): Promise<RunningServer> {
  if (contender.needs !== undefined && !existsSync(contender.needs)) {
    throw new Error(`${contender.label}: nothing to start at ${contender.needs}`);
  }
  const dir = await makeFolder();
  const port = await freePort();
  const argv = contender.argv(port, dir);
  const child = spawnChild(contender.command, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = tailOf(child);
  let failure = '';
  child.once('error', (error) => {
    failure = error.message;
  });
  await answersPing(port, () => failure !== '' || child.exitCode !== null).catch(async (cause) => {
    child.kill('SIGKILL');
    await removeFolder(dir);
    throw new Error(`${contender.label} did not start: ${failure}\n${log()}`, { cause });
  });
  return { contender, port, pid: child.pid!, stop: () => stopServer(contender, child, dir, log) };
}

async function stopServer(
  contender: Contender,
  child: ChildProcess,
  dir: string,
  log: () => string,
): Promise<void> {
  const died = child.exitCode ?? child.signalCode;
  if (died === null) {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }
  await removeFolder(dir);
  if (died !== null) throw new Error(`${contender.label} died (${died}):\n${log()}`);
}

/** Reads the child's output, so that it never blocks on a full pipe, and keeps the last of it. */
function tailOf(child: ChildProcess): () => string {
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-LOG_TAIL_BYTES);
    });
  }
  return () => tail;
}

/** Waits until the server on the port answers PING; isDead ends the wait early. */
export async function answersPing(
  port: number,
  isDead: () => boolean,
  timeoutMs = START_TIMEOUT_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline && !isDead()) {
    try {
      const client = await connectClient(port);
      const reply = await client.request('PING');
      client.destroy();
      if (reply === 'PONG') return;
    } catch {
      // Not listening yet.
    }
    await sleep(50);
  }
  throw new Error(isDead() ? 'it ended' : `no answer within ${timeoutMs} ms`);
}

/** Starts all, hands them over, stops all, also when the work fails. */
export async function withServers<T>(
  contenders: readonly Contender[],
  work: (servers: readonly RunningServer[]) => Promise<T>,
): Promise<T> {
  const servers: RunningServer[] = [];
  try {
    for (const contender of contenders) servers.push(await startServer(contender));
    return await work(servers);
  } finally {
    const stopped = await Promise.allSettled(servers.map((server) => server.stop()));
    for (const result of stopped) {
      if (result.status === 'rejected') console.error(String(result.reason));
    }
  }
}

/**
 * The life of the `hashlane` process (cli.ts is its entry). Parses the command line, builds
 * configuration and log, starts the server, says when it is ready, and ends the process with the
 * server's exit code.
 *
 * Signals: SIGTERM or SIGINT stops the server in order (blocked clients are answered, a snapshot
 * is written); a second SIGINT ends the process at once with code 1. SIGHUP only reopens the log
 * file.
 *
 * What goes wrong before the server runs is one line on standard error and exit code 1. What a
 * command does not need is not loaded, for the sake of start-up time.
 */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command, ServeOptions } from './command-line.ts';
import {
  buildConfiguration,
  parseCommandLine,
  printHelp,
  unknownVariables,
} from './command-line.ts';
import type { Configuration } from './configuration.ts';
import { systemErrorText } from './configuration-kinds.ts';
import type { Logger } from './log.ts';
import { ConfigurationError } from './redis-conf.ts';
import type { RunningServer } from './server.ts';

async function run(): Promise<number> {
  const command = parseCommandLine(process.argv.slice(2), process.env);
  return RUN[command.name](command as never);
}

type Runner<Name extends Command['name']> = (
  command: Extract<Command, { name: Name }>,
) => Promise<number>;

const RUN: { readonly [Name in Command['name']]: Runner<Name> } = {
  serve: ({ serve }) => runServer(serve),
  ping: async ({ ping }) => {
    const { pingServer } = await import('./ping.ts');
    const problem = await pingServer(ping);
    return problem === undefined ? 0 : complain(problem);
  },
  help: async ({ of }) => {
    await printHelp(of, packageVersion());
    return 0;
  },
  version: async () => {
    process.stdout.write(`hashlane ${packageVersion()} (Node ${process.versions.node})\n`);
    return 0;
  },
};

async function runServer(options: ServeOptions): Promise<number> {
  const configuration = buildConfiguration(options, process.env);
  checkDirectory(configuration);
  const { createLogger, flushLog } = await import('./log.ts');
  const logger = await createLogger(configuration);
  // Tools find the process by this first line: it must hold ` PID: ` and the number.
  logger.info(`hashlane ${packageVersion()}, Node ${process.versions.node}, PID: ${process.pid}`);
  warnOfIgnored(configuration, logger);
  const pidFile = writePidFile(configuration);
  try {
    const { startServer } = await import('./server.ts');
    let server: RunningServer | undefined;
    // Before loading, which may take long: as process 1 nothing else would end us.
    stopOnSignals(() => server, logger);
    server = await startServer(configuration, logger);
    printBanner(server, logger);
    return await server.stopped;
  } finally {
    if (pidFile !== undefined) rmSync(pidFile, { force: true });
    await flushLog(logger);
  }
}

/** A server that is to write snapshots finds out now, not at the first one, that it cannot. */
function checkDirectory({ values }: Configuration): void {
  if (values.save.length === 0) return;
  const probe = join(values.dir, `.hashlane-${process.pid}.probe`);
  try {
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (error) {
    const reason = systemErrorText(error);
    throw new ConfigurationError(
      `dir '${values.dir}' is not writable: ${reason}; --save "" runs without snapshots`,
    );
  }
}

function warnOfIgnored({ values }: Configuration, logger: Logger): void {
  if (values.daemonize) logger.warn('daemonize is ignored: hashlane stays in the foreground');
  for (const name of unknownVariables(process.env)) {
    logger.warn(`environment variable ${name} names no parameter and is ignored`);
  }
}

function writePidFile({ values }: Configuration): string | undefined {
  if (values.pidfile === '') return undefined;
  const path = resolve(values.dir, values.pidfile);
  try {
    writeFileSync(path, `${process.pid}\n`);
  } catch (error) {
    throw new ConfigurationError(`cannot write pidfile '${path}': ${systemErrorText(error)}`);
  }
  return path;
}

function printBanner({ address, port, banner }: RunningServer, logger: Logger): void {
  const { shards, snapshot, readyMs } = banner;
  logger.info(shards === 0 ? 'shards: none, keys in the main thread' : `shards: ${shards}`);
  logger.info(snapshot === undefined ? 'snapshot: none loaded' : `snapshot: ${snapshot}`);
  const ms = Math.round(readyMs);
  logger.info(`Ready to accept connections on ${address}:${port}, in ${ms} ms`);
}

function stopOnSignals(running: () => RunningServer | undefined, logger: Logger): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    // Someone at a terminal who asks twice does not want to wait for the snapshot.
    if (stopping && signal === 'SIGINT') process.exit(1);
    if (stopping) return;
    stopping = true;
    logger.info(`${signal} received, shutting down`);
    const server = running();
    // Nothing was changed yet, so there is nothing to save.
    if (server === undefined) process.exit(0);
    server.stop().catch((error: unknown) => {
      // A stop that failed, such as a snapshot that could not be written, leaves the server up.
      stopping = false;
      logger.error({ err: error }, 'cannot shut down');
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Without a listener a hang-up of the terminal would end the process without a snapshot.
  process.on('SIGHUP', () => {});
}

function packageVersion(): string {
  const path = new URL('../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return version;
}

function complain(problem: string): number {
  process.stderr.write(`hashlane: ${problem}\n`);
  return 1;
}

/** One line for what the user can mend, a stack for what is a bug of ours. */
function explain(error: unknown): string {
  if (error instanceof ConfigurationError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code, syscall, address, port } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  if (code === 'EADDRINUSE') return `port ${port} is in use${address ? ` on ${address}` : ''}`;
  if (code !== undefined && syscall !== undefined) return error.message;
  return error.stack ?? error.message;
}

/** Runs the command and ends the process with its exit code. */
export async function main(): Promise<never> {
  try {
    process.exit(await run());
  } catch (error) {
    process.exit(complain(explain(error)));
  }
}

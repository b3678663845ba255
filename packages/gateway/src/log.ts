/**
 * The log: pino, for people on a terminal (pino-pretty), as lines of JSON elsewhere, so that a
 * container's log can be parsed. `logfile` gets JSON.
 *
 * Redis's levels are mapped so: debug → debug, verbose → verbose (a level of ours between debug
 * and info), notice → info, warning → warn and above, nothing → silent.
 *
 * Writing does not wait for the disk or the terminal's reader: the destination is asynchronous, and
 * `flushLog` waits for it before the process exits. Only pretty output is written at once, for the
 * person who looks at it. There is no log thread.
 */

import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DestinationStream } from 'pino';
import { pino } from 'pino';
import type { Configuration, ConfigurationValues } from './configuration.ts';
import { systemErrorText } from './configuration-kinds.ts';
import { ConfigurationError } from './redis-conf.ts';

export type Logger = pino.Logger<'verbose'>;

const VERBOSE = 25;
const LEVELS = {
  debug: 'debug',
  verbose: 'verbose',
  notice: 'info',
  warning: 'warn',
  nothing: 'silent',
} as const satisfies Record<ConfigurationValues['loglevel'], string>;

/**
 * A logger that follows `loglevel` as CONFIG SET changes it. Without a destination it writes where
 * the configuration says. Throws ConfigurationError when the log file cannot be opened.
 */
export async function createLogger(
  configuration: Configuration,
  destination?: DestinationStream,
): Promise<Logger> {
  const { values } = configuration;
  const logger: Logger = pino(
    {
      level: LEVELS[values.loglevel],
      customLevels: { verbose: VERBOSE },
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? (await openDestination(values)),
  );
  configuration.onChange('loglevel', ({ loglevel }) => {
    logger.level = LEVELS[loglevel];
    return undefined;
  });
  return logger;
}

async function openDestination(values: ConfigurationValues): Promise<DestinationStream> {
  if (values.logfile !== '') return openFile(resolve(values.dir, values.logfile));
  if (!process.stdout.isTTY) return pino.destination({ dest: 1, sync: false });
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    colorize: process.stdout.hasColors?.() ?? false,
    translateTime: 'SYS:HH:MM:ss.l',
    customLevels: { verbose: VERBOSE, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 },
    sync: true,
  });
}

/** By path, not by descriptor, so that SIGHUP can reopen it after a rotation. */
function openFile(path: string): DestinationStream {
  try {
    closeSync(openSync(path, 'a'));
  } catch (error) {
    throw new ConfigurationError(`cannot open the log file '${path}': ${systemErrorText(error)}`);
  }
  const destination = pino.destination({ dest: path, sync: false });
  process.on('SIGHUP', () => destination.reopen());
  return destination;
}

/** Resolves when everything logged so far is written. */
export async function flushLog(logger: Logger): Promise<void> {
  await new Promise<void>((done) => logger.flush(() => done()));
}

/**
 * The command line: argv and environment into a command, `--help`, and the configuration of a
 * server.
 *
 * `hashlane [redis.conf | -] [--directive value…]…` is Redis's spelling, which no option parser
 * knows: a directive takes all words up to the next one that starts with `--`
 * (`--save 900 1 --loglevel warning`), may come several times, and any line of redis.conf can be
 * said so. Hence the words are cut here. `--name=value` works as well, and is the way to give a
 * value that starts with `--`. yargs writes the help, and is loaded for that only: it costs more
 * than the rest of the start. `ping` is parsed by node:util, since probes run it every few seconds.
 *
 * Order, weakest first: default, configuration file, environment (HASHLANE_PORT for `port`),
 * command line. `save` lines of file and command line add up, as in Redis; HASHLANE_SAVE replaces
 * those of the file. An empty variable counts as not set, but for HASHLANE_SAVE.
 *
 * A mistake is a ConfigurationError with a message of one line.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Configuration } from './configuration.ts';
import type { Parameter } from './configuration-kinds.ts';
import { takesSeveralWords } from './configuration-kinds.ts';
import { PARAMETERS } from './configuration-parameters.ts';
import type { Directive } from './redis-conf.ts';
import {
  ConfigurationError,
  parseConfiguration,
  readConfigurationFile,
  splitLine,
} from './redis-conf.ts';

/** What `hashlane ping` shall do. */
export interface PingOptions {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** `ready`: only an answer to commands counts; `live`: any reply does. */
  readonly probe: 'ready' | 'live';
}

export type Command =
  | { readonly name: 'serve'; readonly serve: ServeOptions }
  | { readonly name: 'ping'; readonly ping: PingOptions }
  | { readonly name: 'help'; readonly of: 'serve' | 'ping' }
  | { readonly name: 'version' };

export interface ServeOptions {
  /** Path of redis.conf, or `-` for standard input. */
  readonly file: string | undefined;
  readonly directives: readonly Directive[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Words after `node cli.ts`. Throws ConfigurationError. */
export function parseCommandLine(argv: readonly string[], environment: Environment): Command {
  const [first, ...rest] = argv;
  if (first === 'ping') return parsePing(rest, environment);
  const words = first === 'serve' ? rest : argv;
  for (const [index, word] of words.entries()) {
    // Behind a directive, -v and -h are values, as the -2 of --list-max-listpack-size is.
    if (word === '--help' || (index === 0 && word === '-h')) return { name: 'help', of: 'serve' };
    if (word === '--version' || (index === 0 && word === '-v')) return { name: 'version' };
  }
  return { name: 'serve', serve: parseServe(words) };
}

function parseServe(words: readonly string[]): ServeOptions {
  const hasFile = words.length > 0 && (words[0] === '-' || !words[0]!.startsWith('-'));
  return {
    file: hasFile ? words[0] : undefined,
    directives: cutDirectives(words, hasFile ? 1 : 0),
  };
}

/** Cuts before every word that starts with `--`. */
function cutDirectives(words: readonly string[], start: number): Directive[] {
  const directives: Array<{ words: string[]; origin: string }> = [];
  for (const word of words.slice(start)) {
    if (word.startsWith('--')) {
      directives.push(openDirective(word));
    } else if (directives.length === 0) {
      throw new ConfigurationError(`unexpected argument '${word}'; options start with --`);
    } else {
      directives.at(-1)!.words.push(word);
    }
  }
  for (const { words: cut } of directives) closeDirective(cut);
  return directives;
}

/** `--port`, `--port=7001`, and the `'--port 7001'` that scripts written for Redis contain. */
function openDirective(word: string): { words: string[]; origin: string } {
  const equals = word.indexOf('=');
  const space = word.search(/\s/);
  if (equals !== -1 && (space === -1 || equals < space)) {
    const name = word.slice(2, equals).toLowerCase();
    return { words: [name, word.slice(equals + 1)], origin: `--${name}` };
  }
  const [name = '', ...values] = splitLine(word.slice(2)) ?? [word.slice(2)];
  return { words: [name.toLowerCase(), ...values], origin: `--${name.toLowerCase()}` };
}

/** `--save` without a value is `--save ""` in Redis, and so for all that take several words. */
function closeDirective(words: string[]): void {
  if (words.length > 1) return;
  const parameter = parameters().find(({ name }) => name === words[0]);
  if (parameter !== undefined && takesSeveralWords(parameter.kind)) words.push('');
}

function parameters(): readonly Parameter[] {
  return PARAMETERS;
}

/** The configuration that file, environment and command line make. Throws ConfigurationError. */
export function buildConfiguration(
  { file, directives }: ServeOptions,
  environment: Environment,
): Configuration {
  const configuration = new Configuration();
  if (file === '-') {
    configuration.load(parseConfiguration(readFileSync(0, 'utf8'), 'standard input'));
  } else if (file !== undefined) {
    configuration.load(readConfigurationFile(file));
    configuration.file = resolve(file);
  }
  configuration.load(environmentDirectives(environment));
  // `include` is a directive like any other, on the command line too.
  configuration.load(directives.flatMap(expandInclude));
  return configuration;
}

function expandInclude(directive: Directive): readonly Directive[] {
  const [name, ...paths] = directive.words;
  return name === 'include' ? paths.flatMap((path) => readConfigurationFile(path)) : [directive];
}

/** `maxmemory-policy` → `HASHLANE_MAXMEMORY_POLICY`. */
export function environmentName(parameter: string): string {
  return `HASHLANE_${parameter.toUpperCase().replaceAll('-', '_')}`;
}

function environmentDirectives(environment: Environment): Directive[] {
  const directives: Directive[] = [];
  for (const { name, kind, aliases = [] } of parameters()) {
    for (const spelled of [...aliases, name]) {
      const origin = environmentName(spelled);
      const value = environment[origin];
      if (value === undefined || isServiceLink(value)) continue;
      if (kind === 'save-rules') directives.push({ words: [name, ''], origin });
      if (value !== '') directives.push({ words: [name, value], origin });
    }
  }
  return directives;
}

/** Kubernetes sets HASHLANE_PORT=tcp://10.0.0.1:6379 when a Service is called hashlane. */
function isServiceLink(value: string): boolean {
  return /^(tcp|udp|sctp):\/\//.test(value);
}

/** HASHLANE_… variables that are no parameter: most likely a slip, worth a line in the log. */
export function unknownVariables(environment: Environment): string[] {
  const known = new Set(
    parameters().flatMap(({ name, aliases = [] }) => [name, ...aliases].map(environmentName)),
  );
  return Object.keys(environment).filter(
    (name) =>
      name.startsWith('HASHLANE_') && !known.has(name) && !/^HASHLANE_(PORT|SERVICE)_/.test(name),
  );
}

const PING_OPTIONS = {
  host: { type: 'string' },
  port: { type: 'string' },
  timeout: { type: 'string' },
  live: { type: 'boolean' },
  ready: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function parsePing(words: readonly string[], environment: Environment): Command {
  const options = readPingOptions(words);
  if (options.help) return { name: 'help', of: 'ping' };
  const variable = environment[environmentName('port')] ?? '';
  const port = options.port ?? (variable === '' || isServiceLink(variable) ? '6379' : variable);
  const ping: PingOptions = {
    host: options.host ?? '127.0.0.1',
    port: numberWithin('--port', port, 1, 65535),
    timeoutMs: numberWithin('--timeout', options.timeout ?? '1000', 1, 600_000),
    probe: options.live ? 'live' : 'ready',
  };
  return { name: 'ping', ping };
}

function readPingOptions(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: PING_OPTIONS }).values;
  } catch (error) {
    const [line = ''] = (error as Error).message.split(/[.\n]/);
    throw new ConfigurationError(`ping: ${line}`);
  }
}

function numberWithin(name: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (/^[0-9]+$/.test(text) && number >= min && number <= max) return number;
  throw new ConfigurationError(`ping: ${name} '${text}': must be between ${min} and ${max}`);
}

const EPILOGUE = [
  'Any line of redis.conf can be given as --directive value…; the words up to the next -- belong',
  'to it. Every directive can come from the environment as well: HASHLANE_PORT=7001,',
  "HASHLANE_SAVE='900 1 300 10'. The command line goes before the environment, the environment",
  'before the file. CONFIG GET * lists all directives.',
].join('\n');

/** Writes the help of a command to standard output, as wide as the terminal. */
export async function printHelp(of: 'serve' | 'ping', version: string): Promise<void> {
  const { default: yargs } = await import('yargs');
  const parser = yargs([])
    .scriptName('hashlane')
    .version(version)
    .help()
    .wrap(Math.min(100, process.stdout.columns ?? 100));
  const described = of === 'ping' ? describePing(parser) : describeServe(parser);
  process.stdout.write(`${await described.getHelp()}\n`);
}

type Yargs = ReturnType<typeof import('yargs')['default']>;

function describeServe(parser: Yargs): Yargs {
  parser
    .usage(
      'hashlane [redis.conf | -] [--directive value…]…\n\n' +
        'A Redis-compatible in-memory server, built for message queues.',
    )
    .command('serve', 'Start the server (the default)')
    .command('ping', 'Ask a server whether it answers; for health probes')
    .example('hashlane --port 7001 --save "" --shards 4', 'four threads of keys, nothing on disk')
    .example('hashlane --save 900 1 --save 300 10 --dir /data', 'snapshots by two rules')
    .example('hashlane redis.conf --loglevel verbose', 'a file, and one line of it overridden')
    .example('echo "port 7001" | hashlane -', 'the file from standard input')
    .example('hashlane ping --port 7001 --live', 'exit 0 if something answers')
    .epilogue(EPILOGUE);
  for (const { name, group, about, choices, default: standard } of parameters()) {
    if (group === undefined || about === undefined) continue;
    const values = choices === undefined ? '' : ` (${choices.join(', ')})`;
    const defaultDescription = standard === '' ? undefined : standard;
    const describe = about + values + (defaultDescription ? ` [${defaultDescription}]` : '');
    parser.option(name, { group: `${group}:`, describe });
  }
  return parser;
}

function describePing(parser: Yargs): Yargs {
  return parser
    .usage(
      'hashlane ping [options]\n\nSends PING. Exit code 0: the server answered, or asked for a ' +
        'password. Otherwise 1, and one line on standard error says why.',
    )
    .option('host', { describe: 'Host of the server [127.0.0.1]' })
    .option('port', { describe: 'Port of the server [HASHLANE_PORT, else 6379]' })
    .option('timeout', { describe: 'Milliseconds to wait for the answer [1000]' })
    .option('ready', { describe: 'Fail while the server is loading its data, too (the default)' })
    .option('live', { describe: 'Any reply will do, even LOADING or BUSY' })
    .example('hashlane ping --live', 'as a liveness probe')
    .example('hashlane ping --ready --port 7001', 'as a readiness probe');
}

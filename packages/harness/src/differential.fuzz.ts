/**
 * Differential fuzz: the same random program on redis-server and on hashlane, every reply compared,
 * and at the end every key of every database. A program that fails is made smaller, command by
 * command, for as long as it still fails, and printed with its seed.
 *
 * By hand: `node packages/harness/src/differential.fuzz.ts --seeds 1000 --commands 300 --shards 2`
 * (`--from 7` starts at seed 7; `--protocol 2|3`, both by default; `--groups hash,generic` for
 * programs of these groups only).
 */

import { parseArgs } from 'node:util';
import { lineOf } from './command-text.ts';
import { walk } from './database-walk.ts';
import { payloadSource, preparingCommands, witnessCommands } from './generic-words.ts';
import { PROGRAM_DATABASES, randomProgram } from './random-program.ts';
import { type RawClient, request } from './raw-client.ts';
import { startOracle } from './redis-oracle.ts';
import { isSameReply, type Origin } from './reply-comparison.ts';
import { scriptOf } from './script-words.ts';
import { SeededRandom } from './seeded-random.ts';
import { startServer } from './server-process.ts';
import { settlingCommands } from './vocabulary.ts';

type Program = readonly (readonly string[])[];

/** A program that the two servers did not answer the same. */
export interface Finding {
  readonly seed: number;
  readonly protocol: 2 | 3;
  readonly lines: readonly string[];
  readonly difference: string;
}

/** Two clients that run programs side by side. */
export class DifferentialPair {
  readonly #theirs: RawClient;
  readonly #ours: RawClient;

  readonly #isSharded: boolean;

  readonly #groups: readonly string[];

  /** `groups`: programs of these command groups only. */
  constructor(theirs: RawClient, ours: RawClient, shards: number, groups: readonly string[] = []) {
    this.#groups = groups;
    this.#theirs = theirs;
    this.#ours = ours;
    this.#isSharded = shards > 1;
  }

  /** Undefined when all is the same; else the smallest program found that is not. */
  async check(seed: number, commands: number, protocol: 2 | 3): Promise<Finding | undefined> {
    const program = randomProgram(new SeededRandom(seed), commands, this.#groups);
    let difference = await this.#difference(program, protocol);
    if (difference === undefined) return undefined;
    const small = await this.#shrink(program.slice(0, difference.at + 1), protocol);
    difference = (await this.#difference(small, protocol)) ?? difference;
    return { seed, protocol, lines: small.map(lineOf), difference: difference.text };
  }

  async #difference(program: Program, protocol: 2 | 3) {
    const [theirs, ours] = await Promise.all(
      [this.#theirs, this.#ours].map((client) => runProgram(client, program, protocol)),
    );
    const at = program.findIndex(
      (words, i) => !isSameReply(words, theirs![i]!, ours![i]!, this.#originAt(program, i)),
    );
    if (at >= 0) {
      const replies = `\n  redis: ${show(theirs![at])}\n  here:  ${show(ours![at])}`;
      const text = lineOf(program[at]!) + replies;
      return { at, text };
    }
    const [there, here] = await Promise.all(
      [this.#theirs, this.#ours].map((client) => walk(client, PROGRAM_DATABASES)),
    );
    const missing = there!.filter((line) => !here!.includes(line));
    const added = here!.filter((line) => !there!.includes(line));
    if (missing.length === 0 && added.length === 0) return undefined;
    const list = (lines: readonly string[]): string => lines.join('\n         ');
    const text = `at the end\n  redis: ${list(missing)}\n  here:  ${list(added)}`;
    return { at: program.length - 1, text };
  }

  /** What may have happened to a value before command `i`. */
  #originAt(program: Program, i: number): Origin {
    if (this.#isSharded) return 'carried';
    const copied = program.findIndex(([name]) => name?.toUpperCase() === 'COPY');
    return copied >= 0 && copied < i ? 'copied' : 'own';
  }

  /** Leaves out ever smaller runs of commands for as long as the rest still fails. */
  async #shrink(program: Program, protocol: 2 | 3): Promise<Program> {
    let small = program;
    for (let size = Math.ceil(small.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at < small.length; ) {
        const shorter = [...small.slice(0, at), ...small.slice(at + size)];
        if ((await this.#difference(shorter, protocol)) !== undefined) small = shorter;
        else at += size;
      }
    }
    return this.#shrinkScripts(small, protocol);
  }

  /** Leaves out lines of scripts, and runs scripts by their text. */
  async #shrinkScripts(program: Program, protocol: 2 | 3): Promise<Program> {
    let small = program;
    const fails = async (at: number, words: readonly string[]): Promise<boolean> => {
      const changed = small.map((each, i) => (i === at ? words : each));
      if ((await this.#difference(changed, protocol)) === undefined) return false;
      small = changed;
      return true;
    };
    for (let at = 0; at < small.length; at++) {
      const [name = '', , ...rest] = small[at]!;
      const source = scriptOf(small[at]!);
      if (source === undefined) continue;
      const evaluation = name.replace('SHA', '');
      if (!(await fails(at, [evaluation, source, ...rest]))) continue;
      let lines = source.split('\n');
      for (let line = 0; line < lines.length; ) {
        const fewer = lines.toSpliced(line, 1);
        if (await fails(at, [evaluation, fewer.join('\n'), ...rest])) lines = fewer;
        else line++;
      }
    }
    return small;
  }
}

/** Replies of a program on an empty server, sent in pieces of several commands. */
async function runProgram(client: RawClient, program: Program, protocol: 2 | 3): Promise<string[]> {
  await client.text('RESET');
  await client.text('HELLO', protocol);
  await client.text('FLUSHALL');
  const cuts = new SeededRandom(program.length);
  const replies: string[] = [];
  for (let at = 0; at < program.length; ) {
    const piece = program.slice(at, at + 1 + cuts.below(30));
    const restoring = piece.findIndex((words) => payloadSource(words) !== undefined);
    if (restoring > 0) piece.length = restoring;
    replies.push(...(await runPiece(client, restoring === 0 ? [piece[0]!] : piece)));
    at += restoring === 0 ? 1 : piece.length;
  }
  return replies;
}

/** Replies of commands that are sent together, each with what settles it. */
async function runPiece(client: RawClient, piece: Program): Promise<string[]> {
  const sent: (readonly string[])[] = [];
  const places: { from: number; to: number }[] = [];
  for (const words of piece) {
    const compared = [await withPayload(client, words), ...witnessCommands(words)];
    sent.push(...preparingCommands(words));
    places.push({ from: sent.length, to: sent.length + compared.length });
    sent.push(...compared, ...settlingCommands(words));
  }
  client.send(Buffer.concat(sent.map((words) => request(...words))));
  const replies = await client.replies(sent.length);
  return places.map(({ from, to }) => replies.slice(from, to).join(''));
}

/** A RESTORE with what this server dumps now. Such a command is the first of its piece. */
async function withPayload(
  client: RawClient,
  words: readonly string[],
): Promise<readonly string[]> {
  const source = payloadSource(words);
  if (source === undefined) return words;
  const payload = await client.value('DUMP', source);
  return words.map((word, i) => (i === 3 ? String(payload ?? '') : word));
}

function show(raw: string | undefined): string {
  return JSON.stringify(raw ?? '').slice(0, 500);
}

export function describeFinding({ seed, protocol, lines, difference }: Finding): string {
  return `seed ${seed}, RESP${protocol}:\n${lines.join('\n')}\n→ ${difference}`;
}

/** So that programs make streams of several nodes. */
export const SMALL_NODES = ['--stream-node-max-entries', '5'];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '100' },
      from: { type: 'string', default: '1' },
      commands: { type: 'string', default: '300' },
      shards: { type: 'string', default: '0' },
      protocol: { type: 'string' },
      groups: { type: 'string', default: '' },
    },
  });
  await using oracle = await startOracle({ args: ['--hz', '500', ...SMALL_NODES] });
  await using server = await startServer({ shards: Number(values.shards), args: SMALL_NODES });
  using theirs = await oracle.connect();
  using ours = await server.connect();
  const groups = values.groups.split(',').filter((group) => group !== '');
  const pair = new DifferentialPair(theirs, ours, Number(values.shards), groups);
  const protocols = ([2, 3] as const).filter(
    (each) => String(each) === (values.protocol ?? `${each}`),
  );
  const first = Number(values.from);
  let found = 0;
  for (let seed = first; seed < first + Number(values.seeds); seed++) {
    for (const protocol of protocols) {
      const finding = await pair.check(seed, Number(values.commands), protocol);
      if (finding === undefined) continue;
      console.log(`${describeFinding(finding)}\n`);
      found++;
    }
  }
  console.log(`${values.seeds} seeds from ${first}: ${found} failed`);
  if (found > 0) process.exitCode = 1;
}

if (import.meta.main) await main();

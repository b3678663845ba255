/**
 * The libraries of functions that the server has, for all shards: FUNCTION LOAD, DELETE, RESTORE and
 * FLUSH change them here, FUNCTION LIST and DUMP, a snapshot and a shard that starts read them.
 *
 *   LOAD ─▶ one shard tries the source ─▶ names are free? ─▶ all shards are told, in one turn
 *
 * A library is tried before anybody is told, so nothing is ever half loaded; whether its names are
 * free is asked after the trial, because others may have come meanwhile. Ports are FIFO: what is sent
 * to a shard after the answer finds the library.
 */
import { decodeLibraries, encodeLibraries, type LibraryPayloadProblem } from '@hashlane/rdb';
import {
  errors,
  functionErrors,
  functionExists,
  libraryExists,
  restoredLibraryExists,
} from '@hashlane/resp';
import { type FunctionDescription, readLibraryHeader } from '@hashlane/scripting';
import type { ControlAnswers, ControlRequest } from './messages.ts';

export interface FunctionLibrary {
  readonly name: string;
  /** Latin1 text. */
  readonly source: string;
  readonly functions: readonly FunctionDescription[];
}

/** What to do with libraries that are there when others are restored. */
export type RestorePolicy = 'flush' | 'append' | 'replace';

/** An error reply, or the name of what was loaded. */
export type LoadOutcome = { readonly error: string } | { readonly name: string };

export interface FunctionStoreOptions {
  /** Sends a control message to all shards. */
  tell(request: ControlRequest): void;
  /** Has one shard try libraries, if memory is not short or that does not matter. */
  try(sources: readonly string[], needsRoom: boolean): Promise<ControlAnswers['functions-try']>;
  /** Are strings compressed where they are saved? */
  compresses(): boolean;
}

const PROBLEMS: { readonly [problem in LibraryPayloadProblem]: string } = {
  'not a function': functionErrors.notFunction,
  'of a pre-release': functionErrors.preRelease,
  broken: functionErrors.badPayload,
};

export class FunctionStore {
  readonly #options: FunctionStoreOptions;
  readonly #libraries = new Map<string, FunctionLibrary>();
  /** Changes since the start, as Redis counts them for save rules. */
  changes = 0;

  constructor(options: FunctionStoreOptions) {
    this.#options = options;
  }

  get libraries(): readonly FunctionLibrary[] {
    return [...this.#libraries.values()];
  }

  get functionCount(): number {
    return this.libraries.reduce((sum, { functions }) => sum + functions.length, 0);
  }

  /** Bytes of sources, names and descriptions. */
  get bytes(): number {
    return this.libraries.reduce((sum, library) => sum + bytesOf(library), 0);
  }

  /** Is there a function of this name, in any case, that may write? */
  mayWrite(name: string): boolean {
    const found = this.libraries
      .flatMap(({ functions }) => functions)
      .find((each) => each.name.toLowerCase() === name.toLowerCase());
    return found !== undefined && !found.flags.includes('no-writes');
  }

  /** All libraries by name, for a shard that starts. */
  all(): readonly (readonly [name: string, source: string])[] {
    return this.libraries.map(({ name, source }) => [name, source]);
  }

  /** FUNCTION LOAD. */
  async load(source: string, replaces: boolean): Promise<LoadOutcome> {
    const header = readLibraryHeader(source);
    const error = typeof header === 'string' ? header : this.#nameProblem(header.name, replaces);
    const { isShortOfMemory, results } = await this.#options.try(
      error === undefined ? [source] : [],
      true,
    );
    if (isShortOfMemory) return { error: errors.outOfMemory };
    if (error !== undefined || typeof header === 'string') return { error: error ?? '' };
    const [functions] = results;
    if (typeof functions !== 'object') return { error: functions ?? '' };
    const { name } = header;
    const problem = this.#nameProblem(name, replaces) ?? this.#taken(functions, [name]);
    if (problem !== undefined) return { error: problem };
    this.#change([name], [{ name, source, functions }]);
    return { name };
  }

  /** FUNCTION DELETE; false when there is no such library. */
  delete(name: string): boolean {
    if (!this.#libraries.has(name)) return false;
    this.#change([name], []);
    return true;
  }

  /** FUNCTION FLUSH. */
  flush(): void {
    this.#change([...this.#libraries.keys()], []);
  }

  /** FUNCTION DUMP. */
  dump(): Buffer {
    const sources = this.libraries.map(({ source }) => source);
    return encodeLibraries(sources, this.#options.compresses());
  }

  /** FUNCTION RESTORE; an error reply, or undefined. */
  async restore(payload: Buffer, policy: RestorePolicy): Promise<string | undefined> {
    const decoded = decodeLibraries(payload);
    const { isShortOfMemory, results } = await this.#options.try(decoded?.sources ?? [], true);
    if (isShortOfMemory) return errors.outOfMemory;
    if (decoded === undefined) return errors.badDumpFooter;
    const added = gather(decoded.sources, results);
    if (typeof added === 'string') return added;
    if (decoded.problem !== undefined) return PROBLEMS[decoded.problem];
    return this.#join([...added.values()], policy);
  }

  /** The libraries of a snapshot take the place of all; what is wrong with them, if anything. */
  async replaceAll(sources: readonly string[]): Promise<string | undefined> {
    const { results } = await this.#options.try(sources, false);
    const added = gather(sources, results);
    if (typeof added === 'string') return added;
    if (this.#libraries.size + added.size > 0) this.#join([...added.values()], 'flush');
    return undefined;
  }

  #join(added: readonly FunctionLibrary[], policy: RestorePolicy): string | undefined {
    const old = added.filter(({ name }) => this.#libraries.has(name)).map(({ name }) => name);
    if (policy === 'append' && old.length > 0) return restoredLibraryExists(old[0]!);
    const removed = policy === 'flush' ? [...this.#libraries.keys()] : old;
    const functions = added.flatMap((library) => library.functions);
    const problem = this.#taken(functions, removed);
    if (problem === undefined) this.#change(removed, added);
    return problem;
  }

  #nameProblem(name: string, replaces: boolean): string | undefined {
    return !replaces && this.#libraries.has(name) ? libraryExists(name) : undefined;
  }

  /** The error when a function is in a library already, other than those that will go. */
  #taken(functions: readonly FunctionDescription[], going: readonly string[]): string | undefined {
    const staying = this.libraries.filter(({ name }) => !going.includes(name));
    const names = namesOf(staying.flatMap((library) => library.functions));
    const twice = functions.find(({ name }) => names.has(name.toLowerCase()));
    return twice === undefined ? undefined : functionExists(twice.name);
  }

  #change(removed: readonly string[], added: readonly FunctionLibrary[]): void {
    for (const name of removed) this.#libraries.delete(name);
    for (const library of added) this.#libraries.set(library.name, library);
    this.changes++;
    this.#options.tell({
      type: 'functions-change',
      removed,
      added: added.map(({ name, source }) => [name, source]),
    });
  }
}

/** Libraries that come together, from their trials; a text is the first error. */
function gather(
  sources: readonly string[],
  results: ControlAnswers['functions-try']['results'],
): Map<string, FunctionLibrary> | string {
  const libraries = new Map<string, FunctionLibrary>();
  const names = new Set<string>();
  for (const [i, source] of sources.entries()) {
    const header = readLibraryHeader(source);
    if (typeof header === 'string') return header;
    const { name } = header;
    if (libraries.has(name)) return libraryExists(name);
    const functions = results[i]!;
    if (typeof functions === 'string') return functions;
    const twice = functions.find((each) => names.has(each.name.toLowerCase()));
    if (twice !== undefined) return functionExists(twice.name);
    for (const each of namesOf(functions)) names.add(each);
    libraries.set(name, { name, source, functions });
  }
  return libraries;
}

/** Functions are called by their names in any case. */
function namesOf(functions: readonly FunctionDescription[]): Set<string> {
  return new Set(functions.map(({ name }) => name.toLowerCase()));
}

function bytesOf({ name, source, functions }: FunctionLibrary): number {
  return functions.reduce(
    (sum, each) => sum + each.name.length + (each.description?.length ?? 0),
    name.length + source.length,
  );
}

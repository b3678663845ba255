/**
 * The configuration of one server: typed values for the code, CONFIG GET, SET and REWRITE for
 * clients, and the loading of directives at start.
 *
 * The idea: one object, `values`, holds every parameter under its name in camel case and is
 * changed in place, so whoever needs a setting reads it when it needs it and is never out of date.
 * Code that must act on a change registers a hook with `onChange`.
 *
 * Invariants. `values` and the texts that CONFIG GET prints change together. CONFIG SET is all or
 * nothing: every value is checked before the first is stored, and when a hook fails all values go
 * back and the hooks that ran are run again, so they see the old values.
 *
 * Cost: reading a value is a property read; GET of a plain name is a Map lookup, of a pattern a
 * walk over some 230 names. What it does not do: change a working directory (`dir` is an absolute
 * path), open files other than the one it rewrites, or know what a parameter is for.
 *
 * Texts of errors are those of Redis 7.0 (config.c), complete with `ERR `.
 */

import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import type { KindValues, Parameter, Value } from './configuration-kinds.ts';
import {
  parseValue,
  rewriteLines,
  systemErrorText,
  takesSeveralWords,
} from './configuration-kinds.ts';
import { PARAMETERS } from './configuration-parameters.ts';
import { messageOf } from './error-message.ts';
import { matchesGlob } from './glob-pattern.ts';
import type { Directive } from './redis-conf.ts';
import { ConfigurationError, rewriteConfiguration } from './redis-conf.ts';

type Row = (typeof PARAMETERS)[number];
export type ParameterName = Row['name'];

type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

type RowValue<R extends Row> = R extends { kind: 'choice'; choices: readonly (infer Choice)[] }
  ? Choice
  : KindValues[R['kind']];

/** Every parameter: `maxmemory-policy` is `values.maxmemoryPolicy`. Read only; see `set`. */
export type ConfigurationValues = {
  readonly [R in Row as CamelCase<R['name']>]: RowValue<R>;
};

/** The parameters that shards work with (`shard: true` in the table). */
export type ShardConfiguration = {
  readonly [R in Extract<Row, { shard: true }> as CamelCase<R['name']>]: RowValue<R>;
};

/** Acts on new values. Returns, or resolves to, the text of what went wrong. */
export type ChangeHook = (
  values: ConfigurationValues,
) => string | undefined | Promise<string | undefined>;

/** Who calls CONFIG SET, as far as it matters. */
export interface Setter {
  /** Connected from this machine: enable-protected-configs `local` lets it. */
  readonly local?: boolean;
  /** The data set is being loaded. */
  readonly loading?: boolean;
}

/** Undefined when all is well, else the error reply without its leading `-`. */
export type SetOutcome = string | undefined;

/** One parameter with its state. */
interface Setting {
  readonly parameter: Parameter;
  readonly key: string;
  readonly defaultText: string;
  text: string;
  hooks: ChangeHook[];
}

/** A name that clients may use: a parameter's own or an alias. */
interface Entry {
  readonly name: string;
  readonly setting: Setting;
}

interface Change {
  readonly entry: Entry;
  readonly value: Value;
  readonly text: string;
  readonly oldValue: Value;
  readonly oldText: string;
}

interface PendingHook {
  readonly hook: ChangeHook;
  readonly name: string;
}

/** Redis removed these, and accepts them in a file. */
const FORGOTTEN = new Set([
  'list-max-ziplist-entries',
  'list-max-ziplist-value',
  'lua-replicate-commands',
]);

export class Configuration {
  readonly values: ConfigurationValues;
  /** The file that CONFIG REWRITE writes, an absolute path. */
  file: string | undefined;

  readonly #values: Record<string, Value> = {};
  readonly #settings: Setting[] = [];
  readonly #entries = new Map<string, Entry>();
  #saveLoaded = false;

  constructor() {
    for (const parameter of PARAMETERS as readonly Parameter[]) this.#addParameter(parameter);
    // An object with this many properties is a hash table to V8 until it serves as a prototype;
    // then it gets fixed slots, and reads of `values.x` are as quick as of any field.
    Object.setPrototypeOf({}, this.#values);
    this.values = this.#values as unknown as ConfigurationValues;
  }

  #addParameter(parameter: Parameter): void {
    const parsed = parseValue(parameter, [parameter.default]);
    if (typeof parsed === 'string') throw new Error(`default of ${parameter.name}: ${parsed}`);
    const key = camelCase(parameter.name);
    const { text } = parsed;
    const setting = { parameter, key, defaultText: text, text, hooks: [] };
    this.#values[key] = parsed.value;
    this.#settings.push(setting);
    for (const name of [parameter.name, ...(parameter.aliases ?? [])]) {
      this.#entries.set(name, { name, setting });
    }
  }

  /**
   * Takes over directives in their order, later ones winning; `save` lines add up, as in Redis,
   * and `save ""` drops what came before. Throws ConfigurationError at the first mistake.
   */
  load(directives: readonly Directive[]): void {
    for (const { words, origin } of directives) {
      const [name = '', ...rest] = words;
      const entry = this.#entries.get(name);
      if (entry !== undefined) this.#loadValue(entry.setting, rest, origin);
      else if (!FORGOTTEN.has(name)) throw this.#unknownDirective(name, origin);
    }
  }

  #loadValue(setting: Setting, words: readonly string[], origin: string): void {
    const { parameter, key } = setting;
    const parsed = parseValue(parameter, this.#accumulated(setting, words), this.#values[key]);
    const problem = typeof parsed === 'string' ? parsed : unsupportedProblem(setting, parsed.text);
    if (problem !== undefined || typeof parsed === 'string') {
      const shown = parameter.sensitive ? '' : words.map((word) => ` '${word}'`).join('');
      throw new ConfigurationError(`${origin}: ${parameter.name}${shown}: ${problem}`);
    }
    this.#values[key] = parsed.value;
    setting.text = parsed.text;
  }

  /** For `save`: the words of the lines so far and these. The first line drops the default. */
  #accumulated(setting: Setting, words: readonly string[]): readonly string[] {
    if (setting.parameter.kind !== 'save-rules') return words;
    const before = this.#saveLoaded ? setting.text : '';
    this.#saveLoaded = true;
    const clears = words.every((word) => word === '');
    return clears || before === '' ? [words.join(' ')] : [`${before} ${words.join(' ')}`];
  }

  #unknownDirective(name: string, origin: string): ConfigurationError {
    const near = this.#nearestName(name);
    const hint = near === undefined ? '' : `; did you mean '${near}'?`;
    return new ConfigurationError(`${origin}: unknown directive '${name}'${hint}`);
  }

  #nearestName(name: string): string | undefined {
    const candidates = [...this.#entries.keys()].map(
      (candidate) => [editDistance(name, candidate), candidate] as const,
    );
    const [distance, nearest] = candidates.reduce((a, b) => (b[0] < a[0] ? b : a));
    return distance <= Math.max(2, Math.floor(name.length / 4)) ? nearest : undefined;
  }

  /**
   * CONFIG GET: names and values, each once, in the table's order for a pattern. A plain name
   * comes back as the client spelled it. Hidden parameters answer to their plain name only.
   */
  get(patterns: readonly string[]): Array<[name: string, value: string]> {
    const found = new Map<string, string>();
    for (const pattern of patterns) {
      if (!/[[*?]/.test(pattern)) {
        const entry = this.#entries.get(pattern.toLowerCase());
        const spelled = [...found.keys()].some((n) => n.toLowerCase() === pattern.toLowerCase());
        if (entry !== undefined && !spelled) found.set(pattern, entry.setting.text);
        continue;
      }
      this.#getPattern(pattern, found);
    }
    return [...found];
  }

  #getPattern(pattern: string, found: Map<string, string>): void {
    const seen = new Set([...found.keys()].map((name) => name.toLowerCase()));
    for (const { name, setting } of this.#entries.values()) {
      if (setting.parameter.hidden === true || seen.has(name)) continue;
      if (matchesGlob(pattern, name, true)) found.set(name, setting.text);
    }
  }

  /**
   * CONFIG SET of one or more parameters. The outcome is undefined, or the error that goes to the
   * client; it is a promise only when a hook returned one.
   */
  set(
    pairs: ReadonlyArray<readonly [name: string, value: string]>,
    setter: Setter = {},
  ): SetOutcome | Promise<SetOutcome> {
    const entries = this.#settableEntries(pairs, setter);
    if (typeof entries === 'string') return entries;
    const changes: Change[] = [];
    for (const [index, entry] of entries.entries()) {
      const change = this.#prepareChange(entry, pairs[index]![1]);
      if (typeof change === 'string') return setFailure(entry.name, change);
      if (change !== undefined) changes.push(change);
    }
    for (const change of changes) this.#store(change.entry, change.value, change.text);
    return this.#runHooks(changes, pendingHooks(changes), 0);
  }

  #settableEntries(
    pairs: ReadonlyArray<readonly [string, string]>,
    setter: Setter,
  ): Entry[] | string {
    const entries: Entry[] = [];
    for (const [name] of pairs) {
      const entry = this.#entries.get(name.toLowerCase());
      if (entry === undefined) {
        const shown = name.replace(/[\r\n]/g, ' ');
        return `ERR Unknown option or number of arguments for CONFIG SET - '${shown}'`;
      }
      const { parameter } = entry.setting;
      if (parameter.immutable) return setFailure(name, "can't set immutable config");
      if (parameter.protected && !this.#allowsProtected(setter)) {
        return setFailure(name, "can't set protected config");
      }
      if (parameter.refusedWhileLoading && setter.loading) {
        return 'LOADING Redis is loading the dataset in memory';
      }
      // As in Redis, a parameter and its alias are two: the later one wins.
      if (entries.includes(entry)) return setFailure(name, 'duplicate parameter');
      entries.push(entry);
    }
    return entries;
  }

  #allowsProtected({ local = false }: Setter): boolean {
    const allowed = this.values.enableProtectedConfigs;
    return allowed === 'yes' || (allowed === 'local' && local);
  }

  /** The change, undefined if there is none to make, or the text of what is wrong. */
  #prepareChange(entry: Entry, word: string): Change | string | undefined {
    const { setting } = entry;
    const oldValue = this.#values[setting.key]!;
    // CONFIG SET splits strictly at single spaces, so "900 1 " is three words and a mistake.
    const words =
      takesSeveralWords(setting.parameter.kind) && word !== '' ? word.split(' ') : [word];
    const parsed = parseValue(setting.parameter, words, oldValue);
    if (typeof parsed === 'string') return parsed;
    const problem = unsupportedProblem(setting, parsed.text);
    if (problem !== undefined) return problem;
    return { entry, ...parsed, oldValue, oldText: setting.text };
  }

  #store({ setting }: Entry, value: Value, text: string): void {
    this.#values[setting.key] = value;
    setting.text = text;
  }

  #runHooks(
    changes: readonly Change[],
    pending: readonly PendingHook[],
    from: number,
  ): SetOutcome | Promise<SetOutcome> {
    for (let i = from; i < pending.length; i++) {
      const outcome = callHook(pending[i]!.hook, this.values);
      if (outcome instanceof Promise) {
        return outcome.then((problem) =>
          problem === undefined
            ? this.#runHooks(changes, pending, i + 1)
            : this.#rollBack(changes, pending, i, problem),
        );
      }
      if (outcome !== undefined) return this.#rollBack(changes, pending, i, outcome);
    }
    return undefined;
  }

  /** Old values back, and the hooks up to the one that failed told so; their failures are moot. */
  #rollBack(
    changes: readonly Change[],
    pending: readonly PendingHook[],
    failed: number,
    problem: string,
  ): SetOutcome | Promise<SetOutcome> {
    // Backwards, in case a parameter was set under two names.
    for (const { entry, oldValue, oldText } of changes.toReversed()) {
      this.#store(entry, oldValue, oldText);
    }
    const again = pending.slice(0, failed + 1).map(({ hook }) => callHook(hook, this.values));
    const outcome = setFailure(pending[failed]!.name, problem);
    const slow = again.filter((each) => each instanceof Promise);
    return slow.length === 0 ? outcome : Promise.all(slow).then(() => outcome);
  }

  /**
   * Calls `hook` after CONFIG SET changed any of the names; once per CONFIG SET, however many of
   * them it changed. Not called by `load`.
   */
  onChange(names: ParameterName | readonly ParameterName[], hook: ChangeHook): void {
    for (const name of typeof names === 'string' ? [names] : names) {
      this.#entries.get(name)!.setting.hooks.push(hook);
    }
  }

  /** Calls `hook` after a change of anything that shards work with. */
  onShardChange(hook: (values: ShardConfiguration) => ReturnType<ChangeHook>): void {
    const call = () => hook(this.shardValues());
    for (const { parameter, hooks } of this.#settings) if (parameter.shard) hooks.push(call);
  }

  /** A copy of what shards work with, fit for postMessage. */
  shardValues(): ShardConfiguration {
    const shared = this.#settings.filter(({ parameter }) => parameter.shard);
    const copy = Object.fromEntries(shared.map(({ key }) => [key, this.#values[key]!]));
    return copy as unknown as ShardConfiguration;
  }

  /** CONFIG REWRITE. The outcome is undefined, or the error that goes to the client. */
  rewrite(): SetOutcome {
    if (this.file === undefined) return 'ERR The server is running without a config file';
    try {
      replaceFile(this.file, this.#rewritten(readIfExists(this.file)));
      return undefined;
    } catch (error) {
      return `ERR Rewriting config file: ${systemErrorText(error)}`;
    }
  }

  #rewritten(text: string): string {
    const parameters = this.#settings.map(({ parameter, key, defaultText, text: now }) => ({
      name: parameter.name,
      lines: rewriteLines(parameter, { value: this.#values[key]!, text: now }, defaultText),
    }));
    return rewriteConfiguration(
      text,
      parameters,
      (name) => this.#entries.get(name)?.setting.parameter.name,
    );
  }
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_dash, letter: string) => letter.toUpperCase());
}

function unsupportedProblem({ parameter, defaultText }: Setting, text: string): string | undefined {
  return text === defaultText ? undefined : parameter.unsupported;
}

function setFailure(name: string, problem: string): string {
  const text = `ERR CONFIG SET failed (possibly related to argument '${name}') - ${problem}`;
  return text.replace(/[\r\n]/g, ' ');
}

/** Each hook once, under the name of the first change that asks for it; none for no change. */
function pendingHooks(changes: readonly Change[]): PendingHook[] {
  const pending = new Map<ChangeHook, string>();
  for (const { entry, text, oldText } of changes) {
    if (text === oldText) continue;
    for (const hook of entry.setting.hooks) {
      if (!pending.has(hook)) pending.set(hook, entry.name);
    }
  }
  return [...pending].map(([hook, name]) => ({ hook, name }));
}

function callHook(hook: ChangeHook, values: ConfigurationValues): ReturnType<ChangeHook> {
  try {
    const outcome = hook(values);
    return outcome instanceof Promise ? outcome.catch(messageOf) : outcome;
  } catch (error) {
    return messageOf(error);
  }
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function readIfExists(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Old content or new, never half: temporary file, fsync, rename. */
function replaceFile(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'wx', 0o644);
  try {
    writeSync(file, text);
    fsyncSync(file);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

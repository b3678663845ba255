// Reading a YAML file field by field, with a line number for everything that is wrong in it.
//
// The reader asks for fields by name and kind; what it did not ask for is unknown. Problems are
// collected, so one run shows all of them:
//
//   plans/x.yaml:12:5: 'usres' is not a field of a group (did you mean 'users'?)
//
// After a problem a harmless value is returned and reading goes on; `finish()` throws what has been
// collected. Numbers and durations may be templates of properties and variables, which are
// evaluated here, once.

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { nearest } from './nearest.ts';

export interface Problem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** All that is wrong in a file; the message has one line for each. */
export class PlanError extends Error {
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    super(problems.map((p) => `${file}:${p.line}:${p.column}: ${p.message}`).join('\n'));
    this.problems = problems;
  }
}

export class YamlSource {
  readonly file: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;
  readonly #problems: Problem[] = [];

  constructor(text: string, file: string) {
    this.file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines });
    for (const error of this.#document.errors) {
      const [{ line, col }] = error.linePos ?? [{ line: 1, col: 1 }];
      // The message goes on with a drawing of the place.
      const message = error.message.split(/ at line \d+/)[0]!;
      this.#problems.push({ line, column: col, message });
    }
    if (this.#problems.length > 0) this.finish();
  }

  get root(): Node | null {
    return this.#document.contents;
  }

  /** What an alias stands for; the node itself otherwise. */
  resolved(node: unknown): Node | undefined {
    if (isAlias(node)) return node.resolve(this.#document);
    return (node ?? undefined) as Node | undefined;
  }

  complain(node: Node | null | undefined, message: string): void {
    const { line, col } = this.#lines.linePos(node?.range?.[0] ?? 0);
    this.#problems.push({ line: Math.max(1, line), column: Math.max(1, col), message });
  }

  /** Throws PlanError if anything was complained of. */
  finish(): void {
    if (this.#problems.length === 0) return;
    const sorted = this.#problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
    throw new PlanError(this.file, sorted);
  }
}

/** What a node is, for "expected …, found …". */
export function describeNode(node: Node | undefined): string {
  if (node === undefined) return 'nothing';
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return 'a list';
  if (!isScalar(node) || node.value === null) return 'nothing';
  return typeof node.value === 'string' ? `'${node.value}'` : String(node.value);
}

/** The text of a scalar as it was written (`1.50` stays `1.50`), undefined for anything else. */
export function scalarText(node: Node | undefined): string | undefined {
  if (!isScalar(node) || node.value === null) return undefined;
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}

/** Elements of a list; a single value counts as a list of one. */
export function elementsOf(source: YamlSource, node: Node | undefined): Node[] {
  if (node === undefined) return [];
  const items = isSeq(node) ? node.items : [node];
  return items.flatMap((item) => source.resolved(item) ?? []);
}

const UNITS: Readonly<Record<string, number>> = { us: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };

/** `250ms`, `1.5s`, `2m`, `0` → milliseconds; undefined if it is none of that. */
export function parseDuration(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)\s*(us|ms|s|m|h)$/.exec(text.trim());
  if (found !== null) return Number(found[1]) * UNITS[found[2]!]!;
  return /^0+$/.test(text.trim()) ? 0 : undefined;
}

interface Range {
  readonly min: number;
  readonly max: number;
}

/** The fields of one mapping. */
export class Fields {
  readonly source: YamlSource;
  readonly node: Node | undefined;
  readonly #what: string;
  readonly #map: YAMLMap | undefined;
  readonly #asked = new Set<string>();
  /** Evaluates a template of constants; complains of anything else itself. */
  readonly #fill: (text: string, node: Node) => string | undefined;

  constructor(
    source: YamlSource,
    node: Node | undefined,
    what: string,
    fill: (text: string, node: Node) => string | undefined,
  ) {
    this.source = source;
    this.node = node;
    this.#what = what;
    this.#fill = fill;
    if (isMap(node)) this.#map = node;
    else source.complain(node, `${what} is a mapping, found ${describeNode(node)}`);
  }

  /** The value of a field, undefined when it is absent or empty. */
  take(name: string): Node | undefined {
    this.#asked.add(name);
    const node = this.source.resolved(this.#map?.get(name, true));
    return isScalar(node) && node.value === null ? undefined : node;
  }

  has(name: string): boolean {
    return this.take(name) !== undefined;
  }

  text(name: string): string | undefined {
    const node = this.take(name);
    const text = scalarText(node);
    if (node !== undefined && text === undefined) this.#expected(name, 'a text', node);
    return text;
  }

  integer(name: string, range: Range): number | undefined {
    const node = this.take(name);
    if (node === undefined) return undefined;
    const text = this.#filled(node);
    const value = text === undefined || text === '' ? Number.NaN : Number(text);
    if (Number.isInteger(value) && value >= range.min && value <= range.max) return value;
    this.#expected(name, `a whole number from ${range.min} to ${range.max}`, node);
    return undefined;
  }

  number(name: string, range: Range): number | undefined {
    const node = this.take(name);
    if (node === undefined) return undefined;
    const value = Number(this.#filled(node)?.replace(/%$/, '') ?? Number.NaN);
    if (value >= range.min && value <= range.max) return value;
    this.#expected(name, `a number from ${range.min} to ${range.max}`, node);
    return undefined;
  }

  durationMs(name: string): number | undefined {
    const node = this.take(name);
    return node === undefined ? undefined : this.durationOf(name, node);
  }

  durationOf(name: string, node: Node): number | undefined {
    const value = parseDuration(this.#filled(node) ?? '');
    if (value === undefined) this.#expected(name, 'a duration like 500ms, 2s or 1m', node);
    return value;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const node = this.take(name);
    if (node === undefined) return undefined;
    const found = choices.find((choice) => choice === scalarText(node));
    if (found === undefined) this.#expected(name, `one of ${choices.join(', ')}`, node);
    return found;
  }

  boolean(name: string): boolean {
    return this.choice(name, ['true', 'false']) === 'true';
  }

  pattern(name: string): RegExp | undefined {
    const node = this.take(name);
    const text = this.text(name);
    if (text === undefined) return undefined;
    try {
      return new RegExp(text);
    } catch (error) {
      this.source.complain(node, `${name}: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  }

  /** Complains of a field that must be there, and of those that nobody asked for. */
  finish(required: readonly string[] = []): void {
    if (this.#map === undefined) return;
    for (const name of required) {
      if (!this.has(name)) this.source.complain(this.node, `${this.#what} needs '${name}'`);
    }
    for (const { key } of this.#map.items) {
      const name = scalarText(key as Node) ?? '';
      if (this.#asked.has(name)) continue;
      const hint = nearest(name, [...this.#asked]);
      this.source.complain(key as Node, `'${name}' is not a field of ${this.#what}${hint}`);
    }
  }

  #filled(node: Node): string | undefined {
    const text = scalarText(node);
    return text?.includes('${') ? this.#fill(text, node) : text;
  }

  #expected(name: string, wanted: string, node: Node): void {
    this.source.complain(node, `${name}: expected ${wanted}, found ${describeNode(node)}`);
  }
}

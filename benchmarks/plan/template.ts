// Text with variables and functions in it, in JMeter's spelling: `user:${__Random(1,100)}:${name}`.
//
//   text      = { literal | reference }
//   reference = "${" name "}"                         a variable
//             | "${__" name [ "(" text { "," text } ")" ] "}"   a function; arguments may nest
//   literal   : "\" takes the meaning from "$", and inside arguments from "," and ")"
//
// A text is parsed once, when the plan is read, and becomes a closure; what has no reference in it
// is a constant and costs nothing when samples run. A name that nobody defines is an error then and
// there. (JMeter leaves such a reference in the text, where it is found much later.)
//
// Strings hold bytes, one per character (latin1), as everything that goes to and comes from the
// server here does. The plan's own text is turned into UTF-8 bytes by the reader.

import { FUNCTIONS } from './functions.ts';
import { nearest } from './nearest.ts';

/** What a text is evaluated for: one user at one moment. */
export interface Scope {
  readonly variables: Map<string, string>;
  /** In [0, 1). */
  readonly random: () => number;
  /** From 1, within the group. */
  readonly threadNumber: number;
  readonly groupName: string;
  samplerName: string;
  readonly ownCounters: number[];
  readonly shared: SharedNumbers;
}

/** Numbers that all users of all threads count in. */
export interface SharedNumbers {
  /** Adds one to a counter and gives its new value. */
  count(counter: number): number;
  readTally(tally: number): number;
}

export type Evaluate = (scope: Scope) => string;

export interface Template {
  /** The text itself, when there is nothing to evaluate. */
  readonly constant: string | undefined;
  readonly evaluate: Evaluate;
}

/** What the reader of a plan knows and collects where a text stands. */
export interface Site {
  readonly properties: ReadonlyMap<string, string>;
  /** Names that may be referred to; functions with a variable to store in add theirs. */
  readonly variables: Set<string>;
  /** A number of its own for every `${__counter}` in a plan. */
  newCounter(): number;
  /** The number of a tally, by its name. */
  tally(name: string): number;
}

/** A mistake in a text; the reader adds file and line. */
export class TemplateError extends Error {}

export function constantTemplate(constant: string): Template {
  return { constant, evaluate: () => constant };
}

/** Throws TemplateError. */
export function parseTemplate(text: string, site: Site): Template {
  return new TemplateParser(text, site).parse('');
}

class TemplateParser {
  readonly #text: string;
  readonly #site: Site;
  #at = 0;

  constructor(text: string, site: Site) {
    this.#text = text;
    this.#site = site;
  }

  /** Up to one of the characters in `stops`, or to the end when there are none. */
  parse(stops: string): Template {
    const parts: (string | Evaluate)[] = [];
    let literal = '';
    while (this.#at < this.#text.length && !stops.includes(this.#text[this.#at]!)) {
      if (this.#text.startsWith('${', this.#at)) {
        if (literal !== '') parts.push(literal);
        literal = '';
        const reference = this.#parseReference();
        if (reference.constant === undefined) parts.push(reference.evaluate);
        else literal = reference.constant;
      } else {
        literal += this.#takeLiteral(stops);
      }
    }
    if (stops !== '' && this.#at >= this.#text.length) {
      throw new TemplateError(`')' is missing in '${this.#text}'`);
    }
    if (literal !== '') parts.push(literal);
    return joined(parts);
  }

  #takeLiteral(stops: string): string {
    const next = this.#text[this.#at + 1];
    const isEscape =
      this.#text[this.#at] === '\\' &&
      next !== undefined &&
      (next === '$' || (stops !== '' && (next === '\\' || stops.includes(next))));
    this.#at += isEscape ? 2 : 1;
    return this.#text[this.#at - 1]!;
  }

  #parseReference(): Template {
    const rest = this.#text.slice(this.#at);
    const call = /^\$\{__(?!jm__)([A-Za-z]\w*)\s*([(}])/.exec(rest);
    if (call === null) return this.#parseVariable(rest);
    const [whole, name, opening] = call as unknown as [string, string, string];
    this.#at += whole.length;
    const args: Template[] = [];
    if (opening === '(') {
      do {
        args.push(trimmed(this.parse(',)')));
      } while (this.#text[this.#at++] === ',');
      if (this.#text[this.#at++] !== '}') throw new TemplateError(`'}' is missing after __${name}`);
    }
    // `__time()` is a call without arguments.
    if (args.length === 1 && args[0]!.constant === '') args.pop();
    return this.#build(`__${name}`, args);
  }

  #parseVariable(rest: string): Template {
    const found = /^\$\{([^${}]+)\}/.exec(rest);
    if (found === null) throw new TemplateError(`'}' is missing after '${rest.slice(0, 20)}'`);
    const name = found[1]!.trim();
    if (name.startsWith('__') && !name.startsWith('__jm__')) {
      throw new TemplateError(`no function is written '${found[0]}'`);
    }
    if (!this.#site.variables.has(name)) {
      const hint = nearest(name, [...this.#site.variables]);
      throw new TemplateError(`unknown variable '${name}'${hint}`);
    }
    this.#at += found[0].length;
    return { constant: undefined, evaluate: (scope) => scope.variables.get(name) ?? '' };
  }

  #build(name: string, args: readonly Template[]): Template {
    const spec = FUNCTIONS.find((each) => each.name === name);
    if (spec === undefined) {
      const names = FUNCTIONS.map((each) => each.name);
      throw new TemplateError(`unknown function '${name}'${nearest(name, names)}`);
    }
    if (args.length < spec.argumentsMin || args.length > spec.argumentsMax) {
      throw new TemplateError(`${args.length} arguments: it is written \${${spec.syntax}}`);
    }
    return spec.build(args, this.#site);
  }
}

/** Spaces around an argument do not count. */
function trimmed(template: Template): Template {
  if (template.constant !== undefined) return constantTemplate(template.constant.trim());
  return { constant: undefined, evaluate: (scope) => template.evaluate(scope).trim() };
}

function joined(parts: readonly (string | Evaluate)[]): Template {
  const [first, second] = parts;
  if (first === undefined) return constantTemplate('');
  if (parts.length === 1) {
    if (typeof first === 'string') return constantTemplate(first);
    return { constant: undefined, evaluate: first };
  }
  if (parts.length === 2 && typeof first === 'string' && typeof second === 'function') {
    return { constant: undefined, evaluate: (scope) => first + second(scope) };
  }
  const evaluate: Evaluate = (scope) => {
    let text = '';
    for (const part of parts) text += typeof part === 'string' ? part : part(scope);
    return text;
  };
  return { constant: undefined, evaluate };
}

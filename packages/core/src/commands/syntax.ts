/**
 * The notation of the command table's `syntax` fields, and its parser.
 *
 * It is the notation of Redis's documentation, with types added where a name does not tell:
 *
 *   key                      an argument; its type follows from the name (`key`, `source` → key,
 *                            `count`, `start`, `seconds` → integer, `timeout` → double, `pattern`,
 *                            `unix-time-…` → unix-time; anything else is a string)
 *   increment:double         an argument with its type
 *   KEEPTTL, ~, ""           a token: a word without lower-case letters
 *   COUNT count              a token and what it introduces; with several names a block
 *   [x]                      optional
 *   [NX | XX]                optional, one of
 *   <LEFT | RIGHT>           one of
 *   key [key ...]            one or more
 *   key value [key value ...]      one or more blocks
 *   [element [element ...]]        none or more; `[element ...]` is the same
 *   [GET pattern [GET pattern ...]]     none or more, the token before each
 *
 * Examples: `key value [NX | XX] [GET] [EX seconds | PX milliseconds]`,
 * `numkeys key [key ...] <LEFT | RIGHT> [COUNT count]`, `key [WITHSCORES]`, `[LIMIT offset count]`.
 *
 * A token takes the names that follow it, up to the next token or bracket that is not a repetition,
 * or one `<…>`. An alternative or bracket of several arguments is a block. The result is the tree
 * that COMMAND DOCS replies under `arguments`; names of blocks and choices are those of their parts
 * joined by `_`. Read by COMMAND DOCS and by generators of random commands. A text that does not
 * parse is a mistake in the table: it throws.
 */

export type ArgumentType =
  | 'key'
  | 'string'
  | 'integer'
  | 'double'
  | 'pattern'
  | 'unix-time'
  | 'pure-token'
  | 'oneof'
  | 'block';

export interface Argument {
  readonly name: string;
  readonly type: ArgumentType;
  /** Word that stands before the argument, or is the argument (pure-token). */
  readonly token?: string;
  readonly isOptional: boolean;
  readonly isMultiple: boolean;
  /** The token is repeated with each repetition. */
  readonly isMultipleToken: boolean;
  /** Alternatives of a oneof, parts of a block. */
  readonly arguments?: readonly Argument[];
}

/** What the text is made of, before tokens and repetitions are understood. */
type Node =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'group'; readonly isOptional: boolean; readonly alternatives: Node[][] }
  | { readonly kind: 'repeated'; readonly nodes: Node[] };

const TYPES: readonly string[] = ['key', 'string', 'integer', 'double', 'pattern', 'unix-time'];
const REPEAT = '...';

/** Types of names that mean the same in every command. */
const TYPE_OF_NAME: { readonly [name: string]: ArgumentType } = {
  key: 'key',
  source: 'key',
  destination: 'key',
  newkey: 'key',
  pattern: 'pattern',
  timeout: 'double',
  numkeys: 'integer',
  count: 'integer',
  start: 'integer',
  stop: 'integer',
  end: 'integer',
  index: 'integer',
  offset: 'integer',
  seconds: 'integer',
  milliseconds: 'integer',
  cursor: 'integer',
  db: 'integer',
};

/** Argument tree of a syntax text. */
export function parseSyntax(text: string): Argument[] {
  const words = text.match(/[[\]<>|]|[^\s[\]<>|]+/g) ?? [];
  const alternatives = parseAlternatives(words);
  if (alternatives.length !== 1) throw new Error(`syntax "${text}": a choice without brackets`);
  return toArguments(alternatives[0]);
}

/** Nests the words by their brackets. */
function parseAlternatives(words: readonly string[]): Node[][] {
  const open: { closing: string; alternatives: Node[][] }[] = [{ closing: '', alternatives: [[]] }];
  for (const word of words) {
    const { closing, alternatives } = open[open.length - 1];
    if (word === '[' || word === '<') {
      open.push({ closing: word === '[' ? ']' : '>', alternatives: [[]] });
    } else if (word === '|') {
      alternatives.push([]);
    } else if (word === ']' || word === '>') {
      if (word !== closing) throw new Error(`syntax "${words.join(' ')}": stray "${word}"`);
      open.pop();
      const parts = open[open.length - 1].alternatives;
      parts[parts.length - 1].push({ kind: 'group', isOptional: word === ']', alternatives });
    } else {
      alternatives[alternatives.length - 1].push({ kind: 'word', text: word });
    }
  }
  if (open.length !== 1) throw new Error(`syntax "${words.join(' ')}": a bracket is not closed`);
  return open[0].alternatives;
}

/** One sequence of nodes as arguments. */
function toArguments(nodes: readonly Node[]): Argument[] {
  const folded = foldRepetitions(nodes);
  const made: Argument[] = [];
  for (let i = 0; i < folded.length; i++) {
    const node = folded[i];
    if (node.kind !== 'word' || !isToken(node.text)) {
      made.push(toArgument(node));
      continue;
    }
    let end = i + 1;
    while (end < folded.length && isName(folded[end])) end++;
    if (end === i + 1 && end < folded.length && isChoice(folded[end])) end++;
    made.push(withToken(node.text, folded.slice(i + 1, end).map(toArgument)));
    i = end - 1;
  }
  return made;
}

/** Puts `x [x ...]` together. `[x ...]` alone is left to `toArgument`. */
function foldRepetitions(nodes: readonly Node[]): Node[] {
  const folded: Node[] = [];
  for (const node of nodes) {
    const repeated = repetitionIn(node);
    const first = folded.slice(-(repeated?.length ?? 0));
    if (repeated !== undefined && JSON.stringify(first) === JSON.stringify(repeated)) {
      folded.splice(-repeated.length, repeated.length, { kind: 'repeated', nodes: repeated });
    } else {
      folded.push(node);
    }
  }
  return folded;
}

/** Nodes before the dots of `[x ...]`, or undefined. */
function repetitionIn(node: Node): Node[] | undefined {
  if (node.kind !== 'group' || !node.isOptional || node.alternatives.length !== 1) return undefined;
  const [nodes] = node.alternatives;
  const last = nodes[nodes.length - 1];
  if (nodes.length < 2 || last.kind !== 'word' || last.text !== REPEAT) return undefined;
  return nodes.slice(0, -1);
}

function isToken(word: string): boolean {
  return !/[a-z]/.test(word);
}

function isName(node: Node): boolean {
  if (node.kind === 'word') return !isToken(node.text);
  return node.kind === 'repeated' && node.nodes.every(isName);
}

function isChoice(node: Node): boolean {
  return node.kind === 'group' && !node.isOptional;
}

function toArgument(node: Node): Argument {
  if (node.kind === 'word') return isToken(node.text) ? withToken(node.text, []) : named(node.text);
  if (node.kind === 'repeated') return repeat(toArguments(node.nodes));
  const repeated = repetitionIn(node);
  const argument =
    repeated === undefined
      ? choice(node.alternatives.map((nodes) => together(toArguments(nodes))))
      : repeat(toArguments(repeated));
  return node.isOptional ? { ...argument, isOptional: true } : argument;
}

const ONCE = { isOptional: false, isMultiple: false, isMultipleToken: false };

function named(word: string): Argument {
  const at = word.lastIndexOf(':');
  const type = word.slice(at + 1);
  if (at > 0 && TYPES.includes(type)) {
    return { name: word.slice(0, at), type: type as ArgumentType, ...ONCE };
  }
  if (word.startsWith('unix-time')) return { name: word, type: 'unix-time', ...ONCE };
  return { name: word, type: TYPE_OF_NAME[word] ?? 'string', ...ONCE };
}

/** A token and the arguments that it introduces. */
function withToken(token: string, parts: Argument[]): Argument {
  if (parts.length === 0) return { name: token.toLowerCase(), type: 'pure-token', token, ...ONCE };
  if (parts.length === 1) return { ...parts[0], token };
  return { ...together(parts), name: token.toLowerCase(), token };
}

function repeat(parts: Argument[]): Argument {
  const one = together(parts);
  return { ...one, isMultiple: true, isMultipleToken: one.token !== undefined };
}

/** Several arguments as one block. */
function together(parts: Argument[]): Argument {
  if (parts.length === 0) throw new Error('syntax: an empty bracket or alternative');
  if (parts.length === 1) return parts[0];
  return { name: joinNames(parts), type: 'block', ...ONCE, arguments: parts };
}

function choice(parts: Argument[]): Argument {
  if (parts.length === 1) return parts[0];
  return { name: joinNames(parts), type: 'oneof', ...ONCE, arguments: parts };
}

function joinNames(parts: readonly Argument[]): string {
  return parts.map((part) => part.name).join('_');
}

/**
 * COMMAND: what clients may know of commands. Everything is derived from the rows of the table.
 *
 *   row ─┬─ flags, group, categories ─▶ ACL categories
 *        ├─ keys ─▶ key specifications, and the first, last and step of older clients
 *        ├─ syntax ─▶ COMMAND DOCS arguments
 *        └─ summary, since, complexity, tips
 *
 * The shapes are Redis 7's: sets and maps (arrays in RESP2), null for unknown names. A container
 * without a row of its own is made up by the command index.
 */
import {
  ADMIN,
  type Argument,
  BLOCKING,
  type CommandMetadata,
  FAST,
  FLAG_NAMES,
  type KeyFinder,
  type KeyRange,
  LOADING,
  NO_MANDATORY_KEYS,
  NOT_KEY,
  PUBSUB,
  parseSyntax,
  READONLY,
  STALE,
  WRITE,
} from '@hashlane/core/metadata';
import { errors, type ReplyWriter, type RequestParser } from '@hashlane/resp';
import type { CommandEntry } from '../command-index.ts';
import { matchesGlob } from '../glob-pattern.ts';
import { copyRequest, parseCopy } from '../request-copy.ts';
import type { ServerCall, ServerCommandSpec } from '../server-command.ts';
import { replyHelp, texts } from './arguments.ts';

/** In Redis's order, which is that of the replies. */
const CATEGORIES = [
  'keyspace',
  'read',
  'write',
  'set',
  'sortedset',
  'list',
  'hash',
  'string',
  'bitmap',
  'hyperloglog',
  'geo',
  'stream',
  'pubsub',
  'admin',
  'fast',
  'slow',
  'blocking',
  'dangerous',
  'connection',
  'transaction',
  'scripting',
] as const;

/** Groups of the documentation that are ACL categories, by the category's name. */
const GROUP_CATEGORIES: { readonly [group: string]: string } = {
  generic: 'keyspace',
  string: 'string',
  list: 'list',
  set: 'set',
  'sorted-set': 'sortedset',
  hash: 'hash',
  bitmap: 'bitmap',
  hyperloglog: 'hyperloglog',
  geo: 'geo',
  stream: 'stream',
  pubsub: 'pubsub',
  connection: 'connection',
  transactions: 'transaction',
  scripting: 'scripting',
};

/** ACL categories of a command, without `@`, in Redis's order. */
export function categoriesOf(spec: CommandMetadata, isContainer = false): string[] {
  const found = new Set((spec.categories ?? '').split(' ').map((name) => name.replace('@', '')));
  const has = (flag: number): boolean => (spec.flags & flag) !== 0;
  const group = GROUP_CATEGORIES[spec.group];
  if (group !== undefined && !isContainer) found.add(group);
  if (has(WRITE)) found.add('write');
  if (has(READONLY) && group !== 'scripting') found.add('read');
  if (has(ADMIN)) found.add('admin').add('dangerous');
  if (has(PUBSUB)) found.add('pubsub');
  if (has(BLOCKING)) found.add('blocking');
  found.add(has(FAST) ? 'fast' : 'slow');
  for (const name of found) if (name.startsWith('-')) found.delete(name.slice(1));
  return CATEGORIES.filter((name) => found.has(name));
}

function replyStatuses(reply: ReplyWriter, words: readonly string[]): void {
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}

/** True for a container that is no command of its own. */
function isContainer(entry: CommandEntry): boolean {
  return entry.subcommands !== undefined && entry.handler === undefined && entry.command < 0;
}

// COMMAND INFO

interface LegacyRange {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

/** Keys as one range, for clients that know no key specifications; zeros if there is none. */
function legacyRange(ranges: readonly KeyRange[]): LegacyRange {
  const [only] = ranges;
  const isPlain = ({ countAt, keyword, isUnknown }: KeyRange): boolean =>
    countAt === undefined && keyword === undefined && isUnknown !== true;
  if (ranges.length === 1 && only !== undefined && isPlain(only)) return only;
  const plain = ranges.filter((range) => isPlain(range) && range.step === 1);
  if (plain.length === 0) return { first: 0, last: 0, step: 0 };
  const isOpen = plain.some((range) => range.last < 0);
  return {
    first: Math.min(...plain.map((range) => range.first)),
    last: isOpen
      ? Math.max(...plain.filter((range) => range.last < 0).map((range) => range.last))
      : Math.max(...plain.map((range) => range.last)),
    step: 1,
  };
}

function replyKeySpec(reply: ReplyWriter, range: KeyRange): void {
  reply.map(range.notes === undefined ? 3 : 4);
  if (range.notes !== undefined) {
    reply.text('notes');
    reply.text(range.notes);
  }
  reply.text('flags');
  replyStatuses(reply, range.access.split(' '));
  reply.text('begin_search');
  if (range.isUnknown === true) {
    replySearch(reply, 'unknown', []);
    reply.text('find_keys');
    replySearch(reply, 'unknown', []);
    return;
  }
  if (range.keyword === undefined) {
    replySearch(reply, 'index', [['index', range.countAt ?? range.first]]);
  } else {
    replySearch(reply, 'keyword', [
      ['keyword', range.keyword],
      ['startfrom', range.first],
    ]);
  }
  reply.text('find_keys');
  if (range.countAt !== undefined) {
    replySearch(reply, 'keynum', [
      ['keynumidx', 0],
      ['firstkey', 1],
      ['keystep', 1],
    ]);
    return;
  }
  // A last key that is not counted from the end is relative to the first.
  const isRelative = range.last < 0 || range.keyword !== undefined;
  const last = isRelative ? range.last : range.last - range.first;
  replySearch(reply, 'range', [
    ['lastkey', last],
    ['keystep', range.step],
    ['limit', range.limit ?? 0],
  ]);
}

function replySearch(
  reply: ReplyWriter,
  type: string,
  fields: readonly (readonly [string, number | string])[],
): void {
  reply.map(2);
  reply.text('type');
  reply.text(type);
  reply.text('spec');
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.text(name);
    if (typeof value === 'number') reply.integer(value);
    else reply.text(value);
  }
}

function replyInfo(reply: ReplyWriter, entry: CommandEntry): void {
  const { spec } = entry;
  const ranges = spec.keys ?? [];
  const { first, last, step } = legacyRange(ranges);
  reply.array(10);
  reply.text(entry.lowerName);
  reply.integer(spec.arity);
  replyStatuses(
    reply,
    FLAG_NAMES.filter(([flag]) => (spec.flags & flag) !== 0).map(([, name]) => name),
  );
  reply.integer(first);
  reply.integer(last);
  reply.integer(step);
  replyStatuses(
    reply,
    categoriesOf(spec, isContainer(entry)).map((name) => `@${name}`),
  );
  reply.set(spec.tips?.length ?? 0);
  for (const tip of spec.tips ?? []) reply.text(tip);
  reply.set(ranges.length);
  for (const range of ranges) replyKeySpec(reply, range);
  const parts = entry.subcommands?.entries ?? [];
  reply.set(parts.length);
  for (const part of parts) replyInfo(reply, part);
}

function replyAll({ gateway, reply }: ServerCall): void {
  const { entries } = gateway.commands;
  reply.array(entries.length);
  for (const entry of entries) replyInfo(reply, entry);
}

function commandInfo(call: ServerCall): void {
  const { gateway, args, reply } = call;
  if (args.argc === 2) {
    replyAll(call);
    return;
  }
  reply.array(args.argc - 2);
  for (const name of texts(call, 2)) {
    const entry = gateway.commands.named(name);
    if (entry === undefined) reply.null();
    else replyInfo(reply, entry);
  }
}

// COMMAND LIST

function commandList(call: ServerCall): void {
  const { gateway, args, reply } = call;
  const all = gateway.commands.entries.flatMap((entry) => [
    entry,
    ...(entry.subcommands?.entries ?? []),
  ]);
  let chosen = all;
  if (args.argc === 5 && args.text(2).toLowerCase() === 'filterby') {
    const accepts = listFilter(args.text(3).toLowerCase(), args.text(4));
    if (accepts === undefined) {
      reply.error(errors.syntax);
      return;
    }
    chosen = all.filter(accepts);
  } else if (args.argc !== 2) {
    reply.error(errors.syntax);
    return;
  }
  reply.array(chosen.length);
  for (const entry of chosen) reply.text(entry.lowerName);
}

function listFilter(kind: string, word: string): ((entry: CommandEntry) => boolean) | undefined {
  switch (kind) {
    // There are no modules.
    case 'module':
      return () => false;
    case 'aclcat': {
      const category = word.toLowerCase();
      return (entry) => categoriesOf(entry.spec, isContainer(entry)).includes(category);
    }
    case 'pattern':
      return (entry) => matchesGlob(word, entry.lowerName, true);
    default:
      return undefined;
  }
}

// COMMAND DOCS

function commandDocs(call: ServerCall): void {
  const { gateway, args, reply } = call;
  const entries =
    args.argc === 2
      ? gateway.commands.entries
      : texts(call, 2)
          .map((name) => gateway.commands.named(name))
          .filter((entry) => entry !== undefined);
  reply.map(entries.length);
  for (const entry of entries) replyDocs(reply, entry);
}

function replyDocs(reply: ReplyWriter, entry: CommandEntry): void {
  const { spec } = entry;
  const parts = entry.subcommands?.entries ?? [];
  const syntax = parseSyntax(spec.syntax);
  const hasArguments = syntax.length > 0;
  reply.text(entry.lowerName);
  reply.map(4 + (hasArguments ? 1 : 0) + (parts.length > 0 ? 1 : 0));
  for (const field of ['summary', 'since', 'group', 'complexity'] as const) {
    reply.text(field);
    reply.text(spec[field]);
  }
  if (hasArguments) {
    reply.text('arguments');
    replyArguments(reply, syntax);
  }
  if (parts.length > 0) {
    reply.text('subcommands');
    reply.map(parts.length);
    for (const part of parts) replyDocs(reply, part);
  }
}

function replyArguments(reply: ReplyWriter, list: readonly Argument[]): void {
  reply.array(list.length);
  for (const argument of list) replyArgument(reply, argument);
}

function replyArgument(reply: ReplyWriter, argument: Argument): void {
  const flags = argumentFlags(argument);
  const isLeaf = argument.type !== 'oneof' && argument.type !== 'block';
  const optional = [
    isLeaf && argument.type !== 'pure-token',
    argument.token !== undefined,
    flags.length > 0,
    !isLeaf,
  ].filter((isThere) => isThere).length;
  reply.map(2 + optional);
  reply.text('name');
  reply.text(argument.name);
  reply.text('type');
  reply.text(argument.type);
  if (isLeaf && argument.type !== 'pure-token') {
    reply.text('display_text');
    reply.text(argument.name);
  }
  if (argument.token !== undefined) {
    reply.text('token');
    reply.text(argument.token);
  }
  if (flags.length > 0) {
    reply.text('flags');
    replyStatuses(reply, flags);
  }
  if (!isLeaf) {
    reply.text('arguments');
    replyArguments(reply, argument.arguments ?? []);
  }
}

function argumentFlags({ isOptional, isMultiple, isMultipleToken }: Argument): string[] {
  return [
    ...(isOptional ? ['optional'] : []),
    ...(isMultiple ? ['multiple'] : []),
    ...(isMultipleToken ? ['multiple_token'] : []),
  ];
}

// COMMAND GETKEYS

interface FoundKey {
  readonly position: number;
  readonly access: string;
}

/** False when the request announces more keys than it has arguments. */
function isCountSound({ countAt }: KeyRange, request: RequestParser): boolean {
  return countAt === undefined || Number(request.text(countAt)) < request.argc - countAt;
}

/** What the command does to the keys, where that depends on its options: SET reads with GET. */
function accessOf({ access }: KeyRange, { spec }: CommandEntry, request: RequestParser): string {
  if (!access.includes('variable_flags')) return access;
  if (spec.name === 'SET') {
    for (let i = 3; i < request.argc; i++) {
      if (request.text(i).toLowerCase() === 'get') return 'RW access update';
    }
    return 'OW update';
  }
  return access.replace(' variable_flags', '');
}

/** The keys of the command in `request`, or the error. */
function findKeys(
  finder: KeyFinder,
  entry: CommandEntry | undefined,
  request: RequestParser,
): FoundKey[] | string {
  if (entry === undefined) return 'ERR Invalid command specified';
  const { arity } = entry.spec;
  const ranges = (entry.spec.keys ?? []).filter(({ access }) => access !== NOT_KEY);
  if (ranges.length === 0) return 'ERR The command has no key arguments';
  const { argc } = request;
  if (arity > 0 ? argc !== arity : argc < -arity) {
    return 'ERR Invalid number of arguments specified for command';
  }
  const found = ranges
    .filter((range) => isCountSound(range, request))
    .flatMap((range) => {
      const access = accessOf(range, entry, request);
      const count = finder.findRange(range, request);
      return Array.from(finder.positions.subarray(0, count), (position) => ({ position, access }));
    });
  const mayHaveNone = (entry.spec.flags & NO_MANDATORY_KEYS) !== 0;
  const isWrong = found.length === 0 && !mayHaveNone;
  return isWrong ? 'ERR Invalid arguments specified for command' : found;
}

function replyKeys({ gateway, args, reply }: ServerCall, withFlags: boolean): void {
  const request = parseCopy(copyRequest(args, 2));
  const named = gateway.commands.named(request.text(0));
  const part = request.argc > 1 ? `${request.text(0)}|${request.text(1)}` : '';
  const entry = named?.subcommands === undefined ? named : (gateway.commands.named(part) ?? named);
  const found = findKeys(gateway.keys, entry, request);
  if (typeof found === 'string') {
    reply.error(found);
    return;
  }
  reply.array(found.length);
  for (const { position, access } of found) {
    if (withFlags) reply.array(2);
    reply.bulk(request.block, request.offset(position), request.length(position));
    if (withFlags) replyStatuses(reply, access.split(' '));
  }
}

const HELP = [
  '(no subcommand)',
  '    Return details about all Redis commands.',
  'COUNT',
  '    Return the total number of commands in this Redis server.',
  'LIST',
  '    Return a list of all commands in this Redis server.',
  'INFO [<command-name> ...]',
  '    Return details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'DOCS [<command-name> ...]',
  '    Return documentation details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'GETKEYS <full-command>',
  '    Return the keys from a full Redis command.',
  'GETKEYSANDFLAGS <full-command>',
  '    Return the keys and the access flags from a full Redis command.',
];

const FLAGS = LOADING | STALE;
const ORDER_TIPS = ['nondeterministic_output_order'];
const PER_COMMAND = 'O(N) where N is the number of commands to look up';

export const commandCommands = [
  {
    name: 'COMMAND',
    arity: -1,
    flags: FLAGS,
    handler: replyAll,
    group: 'server',
    since: '2.8.13',
    summary: 'Returns detailed information about all commands.',
    complexity: 'O(N) where N is the total number of Redis commands',
    syntax: '',
    categories: '@connection',
    tips: ORDER_TIPS,
  },
  {
    name: 'COMMAND|COUNT',
    arity: 2,
    flags: FLAGS,
    group: 'server',
    since: '2.8.13',
    handler: ({ gateway, reply }: ServerCall) => reply.integer(gateway.commands.entries.length),
    summary: 'Returns a count of commands.',
    complexity: 'O(1)',
    syntax: '',
    categories: '@connection',
  },
  {
    name: 'COMMAND|LIST',
    arity: -2,
    flags: FLAGS,
    handler: commandList,
    group: 'server',
    since: '7.0.0',
    summary: 'Returns a list of command names.',
    complexity: 'O(N) where N is the total number of Redis commands',
    syntax: '[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]',
    categories: '@connection',
    tips: ORDER_TIPS,
  },
  {
    name: 'COMMAND|INFO',
    arity: -2,
    flags: FLAGS,
    handler: commandInfo,
    group: 'server',
    since: '2.8.13',
    summary: 'Returns information about one, multiple or all commands.',
    complexity: PER_COMMAND,
    syntax: '[command-name [command-name ...]]',
    categories: '@connection',
    tips: ORDER_TIPS,
  },
  {
    name: 'COMMAND|DOCS',
    arity: -2,
    flags: FLAGS,
    handler: commandDocs,
    group: 'server',
    since: '7.0.0',
    summary: 'Returns documentary information about one, multiple or all commands.',
    complexity: PER_COMMAND,
    syntax: '[command-name [command-name ...]]',
    categories: '@connection',
    tips: ORDER_TIPS,
  },
  {
    name: 'COMMAND|GETKEYS',
    arity: -3,
    flags: FLAGS,
    group: 'server',
    since: '2.8.13',
    handler: (call: ServerCall) => replyKeys(call, false),
    summary: 'Extracts the key names from an arbitrary command.',
    complexity: 'O(N) where N is the number of arguments to the command',
    syntax: 'command [arg ...]',
    categories: '@connection',
  },
  {
    name: 'COMMAND|GETKEYSANDFLAGS',
    arity: -3,
    flags: FLAGS,
    group: 'server',
    since: '7.0.0',
    handler: (call: ServerCall) => replyKeys(call, true),
    summary: 'Extracts the key names and access flags for an arbitrary command.',
    complexity: 'O(N) where N is the number of arguments to the command',
    syntax: 'command [arg ...]',
    categories: '@connection',
  },
  {
    name: 'COMMAND|HELP',
    arity: 2,
    flags: FLAGS,
    group: 'server',
    since: '5.0.0',
    handler: ({ reply }: ServerCall) => replyHelp(reply, 'COMMAND', HELP),
    summary: 'Returns helpful text about the different subcommands.',
    complexity: 'O(1)',
    syntax: '',
    categories: '@connection',
  },
] as const satisfies readonly ServerCommandSpec[];

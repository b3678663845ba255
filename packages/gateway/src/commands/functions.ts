/**
 * FUNCTION: libraries of functions. What there is, is known here (`gateway.shards.functions`);
 * compiling is left to a shard, and FCALL is a command of the shards.
 */
import { ALLOW_BUSY, DENYOOM, LOADING, NOSCRIPT, STALE, WRITE } from '@hashlane/core/metadata';
import {
  errors,
  functionErrors,
  type ReplyWriter,
  subcommandSyntax,
  unknownListArgument,
  unknownLoadOption,
} from '@hashlane/resp';
import { ENGINE_NAME, type FunctionLibrary, type RestorePolicy } from '@hashlane/shard-worker';
import { busyFunction, killScripts } from '../busy-scripts.ts';
import { matchesGlob } from '../glob-pattern.ts';
import type { ReplyFunction, ServerCall, ServerCommandSpec } from '../server-command.ts';
import { replyHelp, texts } from './arguments.ts';

const POLICIES: readonly RestorePolicy[] = ['flush', 'append', 'replace'];

function bytesOf({ args }: ServerCall, argument: number): Buffer {
  const from = args.offset(argument);
  return Buffer.from(args.block.bytes.subarray(from, from + args.length(argument)));
}

function load(call: ServerCall): undefined | Promise<ReplyFunction> {
  const options = texts(call, 2);
  const source = options.pop() ?? '';
  const unknown = options.find((option) => option.toLowerCase() !== 'replace');
  if (unknown !== undefined) {
    call.reply.error(unknownLoadOption(unknown));
    return undefined;
  }
  return call.gateway.shards.functions.load(source, options.length > 0).then((outcome) => {
    return (reply) => {
      if ('error' in outcome) reply.error(outcome.error);
      else reply.text(outcome.name);
    };
  });
}

function remove({ gateway, args, reply }: ServerCall): void {
  if (gateway.shards.functions.delete(args.text(2))) reply.ok();
  else reply.error(functionErrors.libraryNotFound);
}

function flush({ gateway, args, reply }: ServerCall): void {
  const mode = args.argc === 3 ? args.text(2).toUpperCase() : 'SYNC';
  if (args.argc > 3) reply.error(subcommandSyntax(args.text(1), 'FUNCTION'));
  else if (mode !== 'SYNC' && mode !== 'ASYNC') reply.error(functionErrors.flushOption);
  else {
    gateway.shards.functions.flush();
    reply.ok();
  }
}

function dump({ gateway, reply }: ServerCall): void {
  reply.buffer(gateway.shards.functions.dump());
}

function restore(call: ServerCall): undefined | Promise<ReplyFunction> {
  const { gateway, args, reply } = call;
  const policy = args.argc > 3 ? args.text(3).toLowerCase() : 'append';
  if (args.argc > 4) {
    reply.error(subcommandSyntax(args.text(1), 'FUNCTION'));
    return undefined;
  }
  if (!isPolicy(policy)) {
    reply.error(functionErrors.restorePolicy);
    return undefined;
  }
  return gateway.shards.functions.restore(bytesOf(call, 2), policy).then((error) => {
    return (writer) => (error === undefined ? writer.ok() : writer.error(error));
  });
}

function isPolicy(word: string): word is RestorePolicy {
  return (POLICIES as readonly string[]).includes(word);
}

// LIST

interface ListOptions {
  pattern: string | undefined;
  withCode: boolean;
}

/** The options of LIST; a text is the error to reply. */
function listOptions(call: ServerCall): ListOptions | string {
  const options: ListOptions = { pattern: undefined, withCode: false };
  const words = texts(call, 2);
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const name = word.toLowerCase();
    if (name === 'withcode' && !options.withCode) {
      options.withCode = true;
    } else if (name === 'libraryname' && options.pattern === undefined) {
      options.pattern = words.shift();
      if (options.pattern === undefined) return functionErrors.listName;
    } else {
      return unknownListArgument(word);
    }
  }
  return options;
}

function list(call: ServerCall): void {
  const { gateway, reply } = call;
  const options = listOptions(call);
  if (typeof options === 'string') {
    reply.error(options);
    return;
  }
  const { pattern, withCode } = options;
  const libraries = gateway.shards.functions.libraries.filter(
    ({ name }) => pattern === undefined || matchesGlob(pattern, name, true),
  );
  reply.array(libraries.length);
  for (const library of libraries) replyLibrary(reply, library, withCode);
}

function replyLibrary(reply: ReplyWriter, library: FunctionLibrary, withCode: boolean): void {
  reply.map(withCode ? 4 : 3);
  reply.text('library_name');
  reply.text(library.name);
  reply.text('engine');
  reply.text(ENGINE_NAME);
  reply.text('functions');
  reply.array(library.functions.length);
  for (const { name, description, flags } of library.functions) {
    reply.map(3);
    reply.text('name');
    reply.text(name);
    reply.text('description');
    if (description === undefined) reply.null();
    else reply.text(description);
    reply.text('flags');
    reply.set(flags.length);
    for (const flag of flags) reply.simple(flag);
  }
  if (!withCode) return;
  reply.text('library_code');
  reply.text(library.source);
}

// STATS and KILL

function stats({ gateway, reply }: ServerCall): void {
  const { busyShards, functions } = gateway.shards;
  const running = busyFunction(busyShards);
  if (running === undefined && busyShards.size > 0) {
    reply.error(errors.scriptBusy);
    return;
  }
  reply.map(2);
  reply.text('running_script');
  if (running?.function === undefined) {
    reply.null();
  } else {
    const { name, words } = running.function;
    reply.map(3);
    reply.text('name');
    reply.text(name);
    reply.text('command');
    reply.array(words.length);
    for (const word of words) reply.text(word);
    reply.text('duration_ms');
    reply.integer(Math.max(0, Math.floor(Date.now() - running.startedAtMs)));
  }
  reply.text('engines');
  reply.map(1);
  reply.text(ENGINE_NAME);
  reply.map(2);
  reply.text('libraries_count');
  reply.integer(functions.libraries.length);
  reply.text('functions_count');
  reply.integer(functions.functionCount);
}

function kill({ gateway, reply }: ServerCall): void {
  const problem = killScripts(gateway.shards, 'function');
  if (problem === undefined) reply.ok();
  else reply.error(problem);
}

const HELP = [
  'LOAD [REPLACE] <FUNCTION CODE>',
  '    Create a new library with the given library name and code.',
  'DELETE <LIBRARY NAME>',
  '    Delete the given library.',
  'LIST [LIBRARYNAME PATTERN] [WITHCODE]',
  '    Return general information on all the libraries:',
  '    * Library name',
  '    * The engine used to run the Library',
  '    * Library description',
  '    * Functions list',
  '    * Library code (if WITHCODE is given)',
  '    It also possible to get only function that matches a pattern using LIBRARYNAME argument.',
  'STATS',
  '    Return information about the current function running:',
  '    * Function name',
  '    * Command used to run the function',
  '    * Duration in MS that the function is running',
  '    If no function is running, return nil',
  '    In addition, returns a list of available engines.',
  'KILL',
  '    Kill the current running function.',
  'FLUSH [ASYNC|SYNC]',
  '    Delete all the libraries.',
  '    When called without the optional mode argument, the behavior is determined by the',
  '    lazyfree-lazy-user-flush configuration directive. Valid modes are:',
  '    * ASYNC: Asynchronously flush the libraries.',
  '    * SYNC: Synchronously flush the libraries.',
  'DUMP',
  '    Return a serialized payload representing the current libraries, can be restored using ' +
    'FUNCTION RESTORE command',
  'RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]',
  '    Restore the libraries represented by the given payload, it is possible to give a restore ' +
    'policy to',
  '    control how to handle existing libraries (default APPEND):',
  '    * FLUSH: delete all existing libraries.',
  '    * APPEND: appends the restored libraries to the existing libraries. On collision, abort.',
  '    * REPLACE: appends the restored libraries to the existing libraries, On collision, replace ' +
    'the old',
  '      libraries with the new libraries (notice that even on this option there is a chance of ' +
    'failure',
  '      in case of functions name collision with another library).',
];

const ROW = { flags: NOSCRIPT, group: 'scripting', since: '7.0.0' } as const;
const CHANGES = NOSCRIPT | WRITE;
const TO_ALL = ['request_policy:all_shards', 'response_policy:all_succeeded'];

export const functionCommands = [
  {
    ...ROW,
    name: 'FUNCTION|LOAD',
    arity: -3,
    flags: CHANGES | DENYOOM,
    summary: 'Creates a library.',
    complexity: 'O(1) (considering compilation time is redundant)',
    syntax: '[REPLACE] function-code',
    tips: TO_ALL,
    handler: load,
  },
  {
    ...ROW,
    name: 'FUNCTION|DELETE',
    arity: 3,
    flags: CHANGES,
    summary: 'Deletes a library and its functions.',
    complexity: 'O(1)',
    syntax: 'library-name',
    tips: TO_ALL,
    handler: remove,
  },
  {
    ...ROW,
    name: 'FUNCTION|FLUSH',
    arity: -2,
    flags: CHANGES,
    summary: 'Deletes all libraries and functions.',
    complexity: 'O(N) where N is the number of functions deleted',
    syntax: '[ASYNC | SYNC]',
    tips: TO_ALL,
    handler: flush,
  },
  {
    ...ROW,
    name: 'FUNCTION|DUMP',
    arity: 2,
    summary: 'Dumps all libraries into a serialized binary payload.',
    complexity: 'O(N) where N is the number of functions',
    syntax: '',
    handler: dump,
  },
  {
    ...ROW,
    name: 'FUNCTION|RESTORE',
    arity: -3,
    flags: CHANGES | DENYOOM,
    summary: 'Restores all libraries from a payload.',
    complexity: 'O(N) where N is the number of functions on the payload',
    syntax: 'serialized-value [FLUSH | APPEND | REPLACE]',
    tips: TO_ALL,
    handler: restore,
  },
  {
    ...ROW,
    name: 'FUNCTION|LIST',
    arity: -2,
    summary: 'Returns information about all libraries.',
    complexity: 'O(N) where N is the number of functions',
    syntax: '[LIBRARYNAME library-name-pattern] [WITHCODE]',
    tips: ['nondeterministic_output_order'],
    handler: list,
  },
  {
    ...ROW,
    name: 'FUNCTION|STATS',
    arity: 2,
    flags: NOSCRIPT | ALLOW_BUSY,
    summary: 'Returns information about a function during execution.',
    complexity: 'O(1)',
    syntax: '',
    tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
    handler: stats,
  },
  {
    ...ROW,
    name: 'FUNCTION|KILL',
    arity: 2,
    flags: NOSCRIPT | ALLOW_BUSY,
    summary: 'Terminates a function during execution.',
    complexity: 'O(1)',
    syntax: '',
    tips: ['request_policy:all_shards', 'response_policy:one_succeeded'],
    handler: kill,
  },
  {
    ...ROW,
    name: 'FUNCTION|HELP',
    arity: 2,
    flags: LOADING | STALE,
    summary: 'Returns helpful text about the different subcommands.',
    complexity: 'O(1)',
    syntax: '',
    handler: ({ reply }) => replyHelp(reply, 'FUNCTION', HELP),
  },
] as const satisfies readonly ServerCommandSpec[];

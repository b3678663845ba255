/**
 * CLIENT: what is known of connections, and what one connection may do to another.
 *
 * One line of CLIENT LIST has the fields of Redis 7.2 in its order. Fields for what a connection
 * of ours does not have (a reply buffer of its own, memory of a transaction) say so with 0.
 * `tot-mem` counts the buffers exactly and the objects by a constant.
 *
 * There are two types of clients here, `normal` and `pubsub`. Tracking is not built, and says so.
 */
import { ADMIN, LOADING, NOSCRIPT, STALE } from '@hashlane/core/metadata';
import { errors } from '@hashlane/resp';
import type { Connection } from '../connection.ts';
import type { Gateway } from '../gateway.ts';
import { BACKLOG_BLOCK_BYTES } from '../limits.ts';
import type { ReplyFunction, ServerCall, ServerCommandSpec } from '../server-command.ts';
import { integer, replyHelp } from './arguments.ts';
import { nameProblem } from './connection.ts';

/** About what the objects of an idle connection take (socket, handle, connection). */
const CONNECTION_OBJECTS_BYTES = 4096;

/** Bytes that a connection holds: its buffers and, roughly, its objects. */
export function connectionBytes(connection: Connection): number {
  return (
    CONNECTION_OBJECTS_BYTES +
    connection.inputBytes +
    connection.inputFreeBytes +
    connection.outputBytes
  );
}

/** Waits for a key, or for the end of CLIENT PAUSE. */
export function isWaiting(connection: Connection): boolean {
  return connection.isBlocked || connection.gateway.pause.isHeld(connection);
}

function flagsOf(connection: Connection): string {
  const flags =
    (connection.subscriptions === undefined ? '' : 'P') +
    (isWaiting(connection) ? 'b' : '') +
    (connection.state === 'closing' ? 'c' : '') +
    (connection.address.startsWith('/') ? 'U' : '') +
    (connection.transaction === undefined ? '' : 'x') +
    (connection.isWaitingForLock ? 'l' : '') +
    (connection.isNoEvict ? 'e' : '') +
    (connection.isNoTouch ? 'T' : '');
  return flags === '' ? 'N' : flags;
}

/** Node does not document a socket's handle; without it there is no number to tell. */
function descriptorOf({ socket }: Connection): number {
  return (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
}

function eventsOf(connection: Connection): string {
  const reads = connection.isReadingPaused ? '' : 'r';
  return connection.outputBytes > 0 ? `${reads}w` : reads;
}

/** One line of CLIENT LIST, with its line end. */
function describe(connection: Connection, nowMs: number): string {
  const output = connection.outputBytes;
  const { subscriptions } = connection;
  const fields: readonly (readonly [string, string | number])[] = [
    ['id', connection.id],
    ['addr', connection.address],
    ['laddr', connection.localAddress],
    ['fd', descriptorOf(connection)],
    ['name', connection.name],
    ['age', seconds(nowMs - connection.createdAtMs)],
    ['idle', seconds(nowMs - connection.lastActiveMs)],
    ['flags', flagsOf(connection)],
    ['db', connection.database],
    ['sub', subscriptions?.channel.size ?? 0],
    ['psub', subscriptions?.pattern.size ?? 0],
    ['ssub', subscriptions?.shard.size ?? 0],
    ['multi', connection.transaction?.length ?? -1],
    ['qbuf', connection.inputBytes],
    ['qbuf-free', connection.inputFreeBytes],
    ['argv-mem', 0],
    ['multi-mem', 0],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', 0],
    ['oll', Math.ceil(output / BACKLOG_BLOCK_BYTES)],
    ['omem', output],
    ['tot-mem', connectionBytes(connection)],
    ['events', eventsOf(connection)],
    ['cmd', connection.lastCommand?.lowerName ?? 'NULL'],
    ['user', connection.user],
    ['redir', -1],
    ['resp', connection.protocol],
    ['lib-name', connection.libraryName],
    ['lib-ver', connection.libraryVersion],
  ];
  return `${fields.map(([name, value]) => `${name}=${value}`).join(' ')}\n`;
}

function seconds(milliseconds: number): number {
  return Math.max(0, Math.floor(milliseconds / 1000));
}

/** Connections that are there for clients to see: not those that merely wait to be forgotten. */
export function* liveConnections(gateway: Gateway): Generator<Connection> {
  for (const connection of gateway.connections.values()) {
    if (connection.state !== 'closed') yield connection;
  }
}

function find(gateway: Gateway, id: number): Connection | undefined {
  const connection = gateway.connections.get(id);
  return connection?.state === 'closed' ? undefined : connection;
}

/** The type that clients call so; undefined for an unknown one. */
function typeOf(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (lower === 'slave') return 'replica';
  return ['normal', 'replica', 'pubsub', 'master'].includes(lower) ? lower : undefined;
}

function isOfType(connection: Connection, type: string): boolean {
  return type === (connection.subscriptions === undefined ? 'normal' : 'pubsub');
}

function clientList(call: ServerCall): void {
  const { gateway, args, reply } = call;
  const option = args.argc > 2 ? args.text(2).toLowerCase() : '';
  let chosen: Iterable<Connection> = liveConnections(gateway);
  if (args.argc === 4 && option === 'type') {
    const type = typeOf(args.text(3));
    if (type === undefined) {
      reply.error(`ERR Unknown client type '${args.text(3)}'`);
      return;
    }
    chosen = [...chosen].filter((each) => isOfType(each, type));
  } else if (args.argc > 3 && option === 'id') {
    const found: Connection[] = [];
    for (let i = 3; i < args.argc; i++) {
      const id = integer(args.text(i));
      if (id === undefined) {
        reply.error('ERR Invalid client ID');
        return;
      }
      const connection = find(gateway, id);
      if (connection !== undefined) found.push(connection);
    }
    chosen = found;
  } else if (args.argc !== 2) {
    reply.error(errors.syntax);
    return;
  }
  const now = gateway.nowMs();
  reply.verbatim('txt', Array.from(chosen, (connection) => describe(connection, now)).join(''));
}

function clientInfo({ gateway, connection, reply }: ServerCall): void {
  reply.verbatim('txt', describe(connection, gateway.nowMs()));
}

function clientSetName({ connection, args, reply }: ServerCall): void {
  const name = args.text(2);
  const problem = nameProblem(name, 'Client names');
  if (problem !== undefined) {
    reply.error(problem);
    return;
  }
  connection.name = name;
  reply.ok();
}

function clientGetName({ connection, reply }: ServerCall): void {
  if (connection.name === '') reply.null();
  else reply.text(connection.name);
}

function clientSetInfo({ connection, args, reply }: ServerCall): void {
  const attribute = args.text(2);
  const lower = attribute.toLowerCase();
  const value = args.text(3);
  if (lower !== 'lib-name' && lower !== 'lib-ver') {
    reply.error(`ERR Unrecognized option '${attribute}'`);
    return;
  }
  const problem = nameProblem(value, attribute);
  if (problem !== undefined) {
    reply.error(problem);
    return;
  }
  if (lower === 'lib-name') connection.libraryName = value;
  else connection.libraryVersion = value;
  reply.ok();
}

/** Which connections CLIENT KILL is meant for. */
interface KillFilter {
  id: number | undefined;
  address: string | undefined;
  localAddress: string | undefined;
  type: string | undefined;
  user: string | undefined;
  maxAgeSeconds: number | undefined;
  skipsMe: boolean;
}

const EVERYONE: KillFilter = {
  id: undefined,
  address: undefined,
  localAddress: undefined,
  type: undefined,
  user: undefined,
  maxAgeSeconds: undefined,
  skipsMe: true,
};

/** Reads one option into the filter; returns the error, if any. */
function readKillOption(filter: KillFilter, option: string, value: string): string | undefined {
  switch (option.toLowerCase()) {
    case 'id': {
      const id = integer(value);
      if (id === undefined || id < 1) return 'ERR client-id should be greater than 0';
      filter.id = id;
      return undefined;
    }
    case 'maxage': {
      const age = integer(value);
      if (age === undefined) return 'ERR maxage is not an integer or out of range';
      if (age <= 0) return 'ERR maxage should be greater than 0';
      filter.maxAgeSeconds = age;
      return undefined;
    }
    case 'type':
      filter.type = typeOf(value);
      return filter.type === undefined ? `ERR Unknown client type '${value}'` : undefined;
    case 'addr':
      filter.address = value;
      return undefined;
    case 'laddr':
      filter.localAddress = value;
      return undefined;
    case 'user':
      filter.user = value;
      return value === 'default' ? undefined : `ERR No such user '${value}'`;
    case 'skipme': {
      const answer = value.toLowerCase();
      filter.skipsMe = answer === 'yes';
      return answer === 'yes' || answer === 'no' ? undefined : errors.syntax;
    }
    default:
      return errors.syntax;
  }
}

function readKillFilter({ args }: ServerCall): KillFilter | string {
  const filter: KillFilter = { ...EVERYONE };
  for (let i = 2; i < args.argc; i += 2) {
    if (i + 1 >= args.argc) return errors.syntax;
    const problem = readKillOption(filter, args.text(i), args.text(i + 1));
    if (problem !== undefined) return problem;
  }
  return filter;
}

function isMeant(filter: KillFilter, connection: Connection, nowMs: number): boolean {
  const { id, address, localAddress, type, user, maxAgeSeconds } = filter;
  return (
    (id === undefined || connection.id === id) &&
    (address === undefined || connection.address === address) &&
    (localAddress === undefined || connection.localAddress === localAddress) &&
    (type === undefined || isOfType(connection, type)) &&
    (user === undefined || (connection.isAuthenticated && connection.user === user)) &&
    (maxAgeSeconds === undefined || seconds(nowMs - connection.createdAtMs) >= maxAgeSeconds)
  );
}

function clientKill(call: ServerCall): void {
  const { gateway, connection, args, reply } = call;
  const isOldForm = args.argc === 3;
  const filter = isOldForm
    ? { ...EVERYONE, address: args.text(2), skipsMe: false }
    : readKillFilter(call);
  if (typeof filter === 'string') {
    reply.error(filter);
    return;
  }
  const now = gateway.nowMs();
  const victims = [...liveConnections(gateway)].filter(
    (each) => isMeant(filter, each, now) && !(filter.skipsMe && each === connection),
  );
  if (!isOldForm) reply.integer(victims.length);
  else if (victims.length > 0) reply.ok();
  else reply.error('ERR No such client');
  for (const victim of victims) {
    // Who kills itself still hears of it.
    if (victim === connection) victim.closeAfterReplies();
    else victim.destroy();
  }
}

function clientUnblock({
  gateway,
  connection,
  args,
  reply,
}: ServerCall): undefined | Promise<ReplyFunction> {
  const reason = args.argc > 3 ? args.text(3).toLowerCase() : 'timeout';
  if (reason !== 'timeout' && reason !== 'error') {
    reply.error('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
    return;
  }
  const id = integer(args.text(2));
  if (id === undefined) {
    reply.error(errors.notInteger);
    return;
  }
  const target = find(gateway, id);
  if (target === undefined || target === connection || !target.isBarred) {
    reply.integer(0);
    return;
  }
  if (gateway.coordinator.unblock(target, reason)) {
    reply.integer(1);
    return;
  }
  if (target.blockedEntry === undefined || gateway.pause.isHeld(target)) {
    reply.integer(0);
    return;
  }
  return unblockInShards(gateway, target, reason);
}

/** All shards are asked: the request may still be on its way, and ports keep the order. */
async function unblockInShards(
  gateway: Gateway,
  target: Connection,
  answer: 'timeout' | 'error',
): Promise<ReplyFunction> {
  const links = target.isBlocked ? [gateway.shards.links[target.blockedIn]!] : gateway.shards.links;
  const outcomes = await Promise.allSettled(
    links.map((link) => link.control({ type: 'unblock', connection: target.id, answer })),
  );
  const isUnblocked = outcomes.some((each) => each.status === 'fulfilled' && each.value);
  return (reply) => reply.integer(isUnblocked ? 1 : 0);
}

function clientReply({ connection, args, reply }: ServerCall): void {
  switch (args.text(2).toLowerCase()) {
    case 'on':
      connection.replyMode = 'on';
      reply.ok();
      return;
    case 'off':
      connection.replyMode = 'off';
      return;
    case 'skip':
      // Under SKIP this command is the one that is skipped; the next one is as well.
      if (connection.replyMode === 'on') connection.replyMode = 'skip';
      else if (connection.replyMode === 'skip') connection.replyMode = 'skip-next';
      return;
    default:
      reply.error(errors.syntax);
  }
}

/** ON or OFF; undefined, after the error, for anything else. */
function readSwitch({ args, reply }: ServerCall): boolean | undefined {
  const word = args.text(2).toLowerCase();
  if (word === 'on' || word === 'off') return word === 'on';
  reply.error(errors.syntax);
  return undefined;
}

function clientNoEvict(call: ServerCall): void {
  const isOn = readSwitch(call);
  if (isOn === undefined) return;
  call.connection.isNoEvict = isOn;
  call.reply.ok();
}

function clientNoTouch(call: ServerCall): void {
  const isOn = readSwitch(call);
  if (isOn === undefined) return;
  call.connection.isNoTouch = isOn;
  call.reply.ok();
}

function clientPause({ gateway, args, reply }: ServerCall): void {
  const mode = args.argc > 3 ? args.text(3).toLowerCase() : 'all';
  if ((mode !== 'write' && mode !== 'all') || args.argc > 4) {
    reply.error('ERR CLIENT PAUSE mode must be WRITE or ALL');
    return;
  }
  const milliseconds = integer(args.text(2));
  if (milliseconds === undefined) {
    reply.error(errors.timeoutNotInteger);
  } else if (milliseconds < 0) {
    reply.error(errors.timeoutNegative);
  } else if (milliseconds > Number.MAX_SAFE_INTEGER - gateway.nowMs()) {
    reply.error(errors.timeoutOutOfRange);
  } else {
    gateway.pause.pause(mode, gateway.nowMs() + milliseconds);
    reply.ok();
  }
}

function clientUnpause({ gateway, reply }: ServerCall): void {
  gateway.pause.unpause();
  reply.ok();
}

function clientTracking(call: ServerCall): void {
  const isOn = readSwitch(call);
  if (isOn === undefined) return;
  if (isOn) call.reply.error('ERR CLIENT TRACKING is not supported by this server');
  else call.reply.ok();
}

function clientCaching({ reply }: ServerCall): void {
  reply.error(
    'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or ' +
      'OPTOUT mode enabled',
  );
}

function clientTrackingInfo({ reply }: ServerCall): void {
  reply.map(3);
  reply.text('flags');
  reply.set(1);
  reply.text('off');
  reply.text('redirect');
  reply.integer(-1);
  reply.text('prefixes');
  reply.array(0);
}

const HELP = [
  'CACHING (YES|NO)',
  '    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.',
  'GETREDIR',
  '    Return the client ID we are redirecting to when tracking is enabled.',
  'GETNAME',
  '    Return the name of the current connection.',
  'ID',
  '    Return the ID of the current connection.',
  'INFO',
  '    Return information about the current client connection.',
  'KILL <ip:port>',
  '    Kill connection made from <ip:port>.',
  'KILL <option> <value> [<option> <value> [...]]',
  '    Kill connections. Options are:',
  '    * ADDR (<ip:port>|<unixsocket>:0)',
  '      Kill connections made from the specified address',
  '    * LADDR (<ip:port>|<unixsocket>:0)',
  '      Kill connections made to specified local address',
  '    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
  '      Kill connections by type.',
  '    * USER <username>',
  '      Kill connections authenticated by <username>.',
  '    * SKIPME (YES|NO)',
  '      Skip killing current connection (default: yes).',
  '    * MAXAGE <seconds>',
  '      Kill connections that are at least that old.',
  'LIST [options ...]',
  '    Return information about client connections. Options:',
  '    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
  '      Return clients of specified type.',
  'UNPAUSE',
  '    Stop the current client pause, resuming traffic.',
  'PAUSE <timeout> [WRITE|ALL]',
  '    Suspend all, or just write, clients for <timeout> milliseconds.',
  'REPLY (ON|OFF|SKIP)',
  '    Control the replies sent to the current connection.',
  'SETNAME <name>',
  '    Assign the name <name> to the current connection.',
  'SETINFO <option> <value>',
  '    Set client meta attr. Options are:',
  '    * LIB-NAME: the client lib name.',
  '    * LIB-VER: the client lib version.',
  'UNBLOCK <clientid> [TIMEOUT|ERROR]',
  '    Unblock the specified blocked client.',
  'TRACKING (ON|OFF)',
  '    Server assisted client side caching is not built: ON is refused.',
  'TRACKINGINFO',
  '    Report tracking status for the current connection.',
  'NO-EVICT (ON|OFF)',
  '    Protect current client connection from eviction.',
  'NO-TOUCH (ON|OFF)',
  '    Will not touch LRU/LFU stats when this mode is on.',
];

const FLAGS = NOSCRIPT | LOADING | STALE;
const CONNECTIONS = 'O(N) where N is the number of client connections';

export const clientCommands = [
  // First, because the container is said to be as old as its first part.
  {
    name: 'CLIENT|LIST',
    arity: -2,
    flags: FLAGS | ADMIN,
    handler: clientList,
    group: 'connection',
    since: '2.4.0',
    summary: 'Lists open connections.',
    complexity: CONNECTIONS,
    syntax:
      '[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id:integer [client-id:integer ...]]',
    tips: ['nondeterministic_output'],
  },
  {
    name: 'CLIENT|ID',
    arity: 2,
    flags: FLAGS,
    group: 'connection',
    since: '5.0.0',
    handler: ({ connection, reply }: ServerCall) => reply.integer(connection.id),
    summary: 'Returns the unique client ID of the connection.',
    complexity: 'O(1)',
    syntax: '',
  },
  {
    name: 'CLIENT|INFO',
    arity: 2,
    flags: FLAGS,
    handler: clientInfo,
    group: 'connection',
    since: '6.2.0',
    summary: 'Returns information about the connection.',
    complexity: 'O(1)',
    syntax: '',
    tips: ['nondeterministic_output'],
  },
  {
    name: 'CLIENT|SETNAME',
    arity: 3,
    flags: FLAGS,
    handler: clientSetName,
    group: 'connection',
    since: '2.6.9',
    summary: 'Sets the connection name.',
    complexity: 'O(1)',
    syntax: 'connection-name',
  },
  {
    name: 'CLIENT|GETNAME',
    arity: 2,
    flags: FLAGS,
    handler: clientGetName,
    group: 'connection',
    since: '2.6.9',
    summary: 'Returns the name of the connection.',
    complexity: 'O(1)',
    syntax: '',
  },
  {
    name: 'CLIENT|SETINFO',
    arity: 4,
    flags: FLAGS,
    handler: clientSetInfo,
    group: 'connection',
    since: '7.2.0',
    summary: 'Sets information specific to the client or connection.',
    complexity: 'O(1)',
    syntax: '<LIB-NAME libname | LIB-VER libver>',
    tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
  },
  {
    name: 'CLIENT|KILL',
    arity: -3,
    flags: FLAGS | ADMIN,
    handler: clientKill,
    group: 'connection',
    since: '2.4.0',
    summary: 'Terminates open connections.',
    complexity: CONNECTIONS,
    syntax:
      '<ip:port | [ID client-id:integer] [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] ' +
      '[USER username] [ADDR ip:port] [LADDR ip:port] [SKIPME <YES | NO>] ' +
      '[MAXAGE maxage:integer]>',
  },
  {
    name: 'CLIENT|UNBLOCK',
    arity: -3,
    flags: FLAGS | ADMIN,
    handler: clientUnblock,
    group: 'connection',
    since: '5.0.0',
    summary: 'Unblocks a client blocked by a blocking command from a different connection.',
    complexity: 'O(log N) where N is the number of client connections',
    syntax: 'client-id:integer [TIMEOUT | ERROR]',
  },
  {
    name: 'CLIENT|REPLY',
    arity: 3,
    flags: FLAGS,
    handler: clientReply,
    group: 'connection',
    since: '3.2.0',
    summary: 'Instructs the server whether to reply to commands.',
    complexity: 'O(1)',
    syntax: '<ON | OFF | SKIP>',
  },
  {
    name: 'CLIENT|NO-EVICT',
    arity: 3,
    flags: FLAGS | ADMIN,
    handler: clientNoEvict,
    group: 'connection',
    since: '7.0.0',
    summary: 'Sets the client eviction mode of the connection.',
    complexity: 'O(1)',
    syntax: '<ON | OFF>',
  },
  {
    name: 'CLIENT|NO-TOUCH',
    arity: 3,
    flags: FLAGS,
    handler: clientNoTouch,
    group: 'connection',
    since: '7.2.0',
    summary: 'Controls whether commands sent by the client affect the LRU/LFU of accessed keys.',
    complexity: 'O(1)',
    syntax: '<ON | OFF>',
  },
  {
    name: 'CLIENT|PAUSE',
    arity: -3,
    flags: FLAGS | ADMIN,
    handler: clientPause,
    group: 'connection',
    since: '2.9.50',
    summary: 'Suspends commands processing.',
    complexity: 'O(1)',
    syntax: 'timeout:integer [WRITE | ALL]',
  },
  {
    name: 'CLIENT|UNPAUSE',
    arity: 2,
    flags: FLAGS | ADMIN,
    handler: clientUnpause,
    group: 'connection',
    since: '6.2.0',
    summary: 'Resumes processing commands from paused clients.',
    complexity: 'O(N) Where N is the number of paused clients',
    syntax: '',
  },
  {
    name: 'CLIENT|GETREDIR',
    arity: 2,
    flags: FLAGS,
    group: 'connection',
    since: '6.0.0',
    handler: ({ reply }: ServerCall) => reply.integer(-1),
    summary:
      "Returns the client ID to which the connection's tracking notifications are redirected.",
    complexity: 'O(1)',
    syntax: '',
  },
  {
    name: 'CLIENT|TRACKING',
    arity: -3,
    flags: FLAGS,
    handler: clientTracking,
    group: 'connection',
    since: '6.0.0',
    summary: 'Controls server-assisted client-side caching for the connection.',
    complexity: 'O(1). Some options may introduce additional complexity.',
    syntax:
      '<ON | OFF> [REDIRECT client-id:integer] [PREFIX prefix [PREFIX prefix ...]] [BCAST] ' +
      '[OPTIN] [OPTOUT] [NOLOOP]',
  },
  {
    name: 'CLIENT|TRACKINGINFO',
    arity: 2,
    flags: FLAGS,
    handler: clientTrackingInfo,
    group: 'connection',
    since: '6.2.0',
    summary: 'Returns information about server-assisted client-side caching for the connection.',
    complexity: 'O(1)',
    syntax: '',
  },
  {
    name: 'CLIENT|CACHING',
    arity: 3,
    flags: FLAGS,
    handler: clientCaching,
    group: 'connection',
    since: '6.0.0',
    summary: 'Instructs the server whether to track the keys in the next request.',
    complexity: 'O(1)',
    syntax: '<YES | NO>',
  },
  {
    name: 'CLIENT|HELP',
    arity: 2,
    flags: LOADING | STALE,
    group: 'connection',
    since: '5.0.0',
    handler: ({ reply }: ServerCall) => replyHelp(reply, 'CLIENT', HELP),
    summary: 'Returns helpful text about the different subcommands.',
    complexity: 'O(1)',
    syntax: '',
  },
] as const satisfies readonly ServerCommandSpec[];

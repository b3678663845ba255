/**
 * Commands that concern the connection itself: PING, ECHO, SELECT, HELLO, AUTH, QUIT, RESET.
 *
 * They are answered in the gateway, so they work while shards are busy or down. Passwords are
 * compared as hashes, in constant time. There is one user, `default`; its password is requirepass.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { ALLOW_BUSY, FAST, LOADING, NO_AUTH, NOSCRIPT, STALE } from '@hashlane/core/metadata';
import { Block, errors, wrongArity } from '@hashlane/resp';
import type { Connection } from '../connection.ts';
import type { Gateway } from '../gateway.ts';
import type { ServerCall, ServerCommandSpec } from '../server-command.ts';
import { unwatch } from '../transaction.ts';
import { REDIS_VERSION } from '../version.ts';
import { integer } from './arguments.ts';

const DATABASE_MAX = 0x7fffffff;

function ping({ args, connection, reply }: ServerCall): void {
  if (args.argc > 2) reply.error(wrongArity('ping'));
  else if (connection.subscriptions !== undefined && connection.protocol === 2) {
    // Where only messages are expected it looks like one.
    reply.array(2);
    reply.text('pong');
    if (args.argc === 2) reply.bulk(args.block, args.offset(1), args.length(1));
    else reply.text('');
  } else if (args.argc === 2) reply.bulk(args.block, args.offset(1), args.length(1));
  else reply.constant(PONG);
}

/** What most clients and every load balancer ask for: kept ready. */
const PONG = Block.of('+PONG\r\n');

function echo({ args, reply }: ServerCall): void {
  reply.bulk(args.block, args.offset(1), args.length(1));
}

function select({ gateway, connection, args, reply }: ServerCall): void {
  const database = integer(args.text(1));
  if (database === undefined) {
    reply.error(errors.notInteger);
  } else if (Math.abs(database) > DATABASE_MAX) {
    reply.error(errors.databaseNotInt32);
  } else if (database < 0 || database >= gateway.configuration.values.databases) {
    reply.error(errors.databaseOutOfRange);
  } else {
    connection.database = database;
    reply.ok();
  }
}

/** Whether user and password (latin1 strings of bytes) are right. */
function isLogin(gateway: Gateway, user: string, password: string): boolean {
  const { requirepass } = gateway.configuration.values;
  // Both are hashed before anything is decided, whatever the user.
  const isPassword = timingSafeEqual(digest(Buffer.from(password, 'latin1')), digest(requirepass));
  return user === 'default' && (requirepass === '' || isPassword);
}

function digest(text: string | Buffer): Buffer {
  return createHash('sha256').update(text).digest();
}

function logIn(connection: Connection): void {
  connection.isAuthenticated = true;
  connection.user = 'default';
}

function auth({ gateway, connection, args, reply }: ServerCall): void {
  if (args.argc > 3) {
    reply.error(errors.syntax);
    return;
  }
  if (args.argc === 2 && gateway.configuration.values.requirepass === '') {
    reply.error(errors.noPassword);
    return;
  }
  const user = args.argc === 3 ? args.text(1) : 'default';
  if (!isLogin(gateway, user, args.text(args.argc - 1))) {
    reply.error(errors.wrongPassword);
    return;
  }
  logIn(connection);
  reply.ok();
}

/** Undefined when a client may be called so, else the error. */
export function nameProblem(name: string, attribute: string): string | undefined {
  if (/^[!-~]*$/.test(name)) return undefined;
  return `ERR ${attribute} cannot contain spaces, newlines or special characters.`;
}

interface Greeting {
  version: 2 | 3 | undefined;
  login: readonly [user: string, password: string] | undefined;
  name: string | undefined;
}

/** What HELLO asks for, or the error. */
function readGreeting({ args }: ServerCall): Greeting | string {
  const greeting: Greeting = { version: undefined, login: undefined, name: undefined };
  if (args.argc === 1) return greeting;
  const version = integer(args.text(1));
  if (version === undefined) return errors.protocolNotInteger;
  if (version !== 2 && version !== 3) return errors.noProtocol;
  greeting.version = version;
  for (let i = 2; i < args.argc; i++) {
    const option = args.text(i).toUpperCase();
    const more = args.argc - 1 - i;
    if (option === 'AUTH' && more >= 2) {
      greeting.login = [args.text(i + 1), args.text(i + 2)];
      i += 2;
    } else if (option === 'SETNAME' && more >= 1) {
      greeting.name = args.text(i + 1);
      const problem = nameProblem(greeting.name, 'Client names');
      if (problem !== undefined) return problem;
      i++;
    } else {
      return `ERR Syntax error in HELLO option '${args.text(i)}'`;
    }
  }
  return greeting;
}

function hello(call: ServerCall): void {
  const { gateway, connection, reply } = call;
  const greeting = readGreeting(call);
  if (typeof greeting === 'string') {
    reply.error(greeting);
    return;
  }
  const { version, login, name } = greeting;
  if (login !== undefined) {
    if (!isLogin(gateway, ...login)) {
      reply.error(errors.wrongPassword);
      return;
    }
    logIn(connection);
  }
  if (!connection.isAuthenticated) {
    reply.error(errors.helloNoAuth);
    return;
  }
  if (name !== undefined) connection.name = name;
  if (version !== undefined) connection.protocol = version;
  reply.protocol = connection.protocol;
  replyGreeting(call);
}

function replyGreeting({ connection, reply }: ServerCall): void {
  reply.map(7);
  reply.text('server');
  reply.text('redis');
  reply.text('version');
  reply.text(REDIS_VERSION);
  reply.text('proto');
  reply.integer(connection.protocol);
  reply.text('id');
  reply.integer(connection.id);
  reply.text('mode');
  reply.text('standalone');
  reply.text('role');
  reply.text('master');
  reply.text('modules');
  reply.array(0);
}

function quit({ connection, reply }: ServerCall): void {
  if (connection.replyMode === 'on') reply.ok();
  connection.closeAfterReplies();
}

function reset({ gateway, connection, reply }: ServerCall): void {
  connection.transaction = undefined;
  unwatch(gateway, connection);
  gateway.pubSub.forget(connection);
  connection.protocol = 2;
  connection.database = 0;
  connection.name = '';
  connection.replyMode = 'on';
  connection.isNoEvict = false;
  connection.isNoTouch = false;
  connection.user = 'default';
  connection.isAuthenticated = gateway.configuration.values.requirepass === '';
  reply.protocol = 2;
  reply.simple('RESET');
}

const SIMPLE = NOSCRIPT | LOADING | STALE | FAST;

export const connectionCommands = [
  {
    name: 'PING',
    arity: -1,
    flags: FAST,
    handler: ping,
    group: 'connection',
    since: '1.0.0',
    summary: "Returns the server's liveliness response.",
    complexity: 'O(1)',
    syntax: '[message]',
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  },
  {
    name: 'ECHO',
    arity: 2,
    flags: LOADING | STALE | FAST,
    handler: echo,
    group: 'connection',
    since: '1.0.0',
    summary: 'Returns the given string.',
    complexity: 'O(1)',
    syntax: 'message',
  },
  {
    name: 'SELECT',
    arity: 2,
    flags: LOADING | STALE | FAST,
    handler: select,
    group: 'connection',
    since: '1.0.0',
    summary: 'Changes the selected database.',
    complexity: 'O(1)',
    syntax: 'index',
  },
  {
    name: 'HELLO',
    arity: -1,
    flags: SIMPLE | NO_AUTH | ALLOW_BUSY,
    handler: hello,
    group: 'connection',
    since: '6.0.0',
    summary: 'Handshakes with the Redis server.',
    complexity: 'O(1)',
    syntax: '[protover:integer [AUTH username password] [SETNAME clientname]]',
  },
  {
    name: 'AUTH',
    arity: -2,
    flags: SIMPLE | NO_AUTH | ALLOW_BUSY,
    handler: auth,
    group: 'connection',
    since: '1.0.0',
    summary: 'Authenticates the connection.',
    complexity: 'O(N) where N is the number of passwords defined for the user',
    syntax: '[username] password',
  },
  {
    name: 'QUIT',
    isQueued: false,
    arity: -1,
    flags: SIMPLE | NO_AUTH | ALLOW_BUSY,
    handler: quit,
    group: 'connection',
    since: '1.0.0',
    summary: 'Closes the connection.',
    complexity: 'O(1)',
    syntax: '',
  },
  {
    name: 'RESET',
    isQueued: false,
    arity: 1,
    flags: SIMPLE | NO_AUTH | ALLOW_BUSY,
    handler: reset,
    group: 'connection',
    since: '6.2.0',
    summary: 'Resets the connection.',
    complexity: 'O(1)',
    syntax: '',
  },
] as const satisfies readonly ServerCommandSpec[];

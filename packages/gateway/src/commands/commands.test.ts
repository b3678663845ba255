/**
 * Handlers of connection and server commands on a gateway without sockets or shards: what needs
 * neither. What needs them is tested over sockets in the harness.
 */
import { Block, ReplyWriter, type RequestParser } from '@hashlane/resp';
import t from 'tap';
import { ClientPause } from '../client-pause.ts';
import { buildCommandIndex } from '../command-index.ts';
import { Configuration } from '../configuration.ts';
import type { Connection } from '../connection.ts';
import { GATE_PAUSED, Gate } from '../gate.ts';
import type { Gateway } from '../gateway.ts';
import { copyRequest, parseCopy } from '../request-copy.ts';
import { Statistics } from '../statistics.ts';
import { integer } from './arguments.ts';
import { categoriesOf } from './command.ts';
import { serverCommands } from './index.ts';
import { humanBytes } from './info.ts';

/** As much of a gateway as the handlers under test touch. */
function makeGateway(): Gateway {
  const gateway = {
    configuration: new Configuration(),
    statistics: new Statistics(),
    commands: buildCommandIndex([], serverCommands),
    connections: new Map(),
    gate: new Gate(),
    nowMs: () => Date.now(),
    beforeCommands() {},
    pubSub: { forget() {} },
    turn: { run: (work: () => void) => work() },
    dispatched: [] as string[],
    dispatcher: {
      dispatchAgain(_connection: Connection, copy: Block): void {
        gateway.dispatched.push(parseCopy(copy).text(0));
      },
    },
  };
  const made = gateway as unknown as Gateway & { pause: ClientPause };
  made.pause = new ClientPause(made);
  return made;
}

function makeConnection(gateway: Gateway): Connection {
  const connection = {
    gateway,
    id: 7,
    state: 'open',
    database: 0,
    protocol: 2,
    isAuthenticated: true,
    user: 'default',
    name: '',
    libraryName: '',
    libraryVersion: '',
    replyMode: 'on',
    address: '127.0.0.1:5',
    commandsProcessed: 1,
    isBarred: false,
    isHeldByGateway: false,
    hold() {
      this.isBarred = true;
    },
    release() {
      this.isBarred = false;
    },
    watchedShards: new Set<number>(),
    forgetWatched() {},
  };
  return connection as unknown as Connection;
}

function parse(...words: readonly string[]): RequestParser {
  const parts = words.map((word) => `$${word.length}\r\n${word}\r\n`);
  return parseCopy(Block.of(`*${words.length}\r\n${parts.join('')}`));
}

/** The reply of a handler that answers at once. */
function call(gateway: Gateway, connection: Connection, ...words: readonly string[]): string {
  const args = parse(...words);
  const names = [words.slice(0, 2).join('|').toUpperCase(), words[0]!.toUpperCase()];
  const row = names.map((name) => serverCommands.find((each) => each.name === name)).find(Boolean);
  const reply = new ReplyWriter(256);
  reply.protocol = connection.protocol;
  row!.handler({ gateway, connection, args, reply });
  return reply.block.bytes.latin1Slice(0, reply.position);
}

t.test('connection commands', async (t) => {
  const gateway = makeGateway();
  const connection = makeConnection(gateway);
  const run = (...words: string[]): string => call(gateway, connection, ...words);
  t.equal(run('PING'), '+PONG\r\n');
  t.equal(run('PING', 'a\r\nb'), '$4\r\na\r\nb\r\n');
  t.equal(run('SELECT', '15'), '+OK\r\n');
  t.equal(connection.database, 15);
  t.equal(run('SELECT', '16'), '-ERR DB index is out of range\r\n');
  t.match(run('HELLO', '4'), /^-NOPROTO /);
  t.match(run('HELLO', '3', 'SETNAME', 'n'), /^%7\r\n.*\$5\r\nproto\r\n:3\r\n/s);
  t.equal(connection.protocol, 3);
  t.equal(connection.name, 'n');
  t.equal(run('RESET'), '+RESET\r\n');
  t.equal(connection.protocol, 2);
  t.equal(connection.database, 0);
});

t.test('passwords', async (t) => {
  const gateway = makeGateway();
  const connection = makeConnection(gateway);
  const run = (...words: string[]): string => call(gateway, connection, ...words);
  t.match(run('AUTH', 'x'), /^-ERR AUTH <password> called without any password configured/);
  t.equal(run('AUTH', 'default', 'anything'), '+OK\r\n');
  gateway.configuration.set([['requirepass', 'sécret']]);
  const bytes = Buffer.from('sécret').toString('latin1');
  connection.isAuthenticated = false;
  t.match(run('HELLO'), /^-NOAUTH HELLO must be called/);
  t.match(run('AUTH', 'wrong'), /^-WRONGPASS /);
  t.match(run('AUTH', 'bob', bytes), /^-WRONGPASS /);
  t.equal(connection.isAuthenticated, false);
  t.equal(run('AUTH', bytes), '+OK\r\n');
  t.equal(connection.isAuthenticated, true);
});

t.test('CLIENT PAUSE holds writes and lets them go in order', async (t) => {
  const gateway = makeGateway() as Gateway & { dispatched: string[] };
  const [first, second] = [makeConnection(gateway), makeConnection(gateway)];
  const write = { spec: { flags: 1 } } as never;
  const read = { spec: { flags: 2 } } as never;
  gateway.pause.pause('write', Date.now() + 3_600_000);
  t.equal(gateway.gate.has(GATE_PAUSED), true);
  t.equal(gateway.pause.holds(first, read, parse('GET', 'a')), false);
  t.equal(gateway.pause.holds(first, write, parse('SET', 'a', 'b')), true);
  t.equal(gateway.pause.holds(second, write, parse('DEL', 'a')), true);
  t.equal(first.isBarred, true);
  gateway.pause.unpause();
  t.equal(gateway.gate.has(GATE_PAUSED), false);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(gateway.dispatched, ['SET', 'DEL']);
  t.equal(first.isBarred, false);
});

t.test('a paused connection that goes is forgotten', async (t) => {
  const gateway = makeGateway() as Gateway & { dispatched: string[] };
  const connection = makeConnection(gateway);
  gateway.pause.pause('all', Date.now() + 3_600_000);
  gateway.pause.holds(connection, { spec: { flags: 2 } } as never, parse('GET', 'a'));
  gateway.pause.forget(connection);
  gateway.pause.unpause();
  await new Promise((resolve) => setImmediate(resolve));
  t.same(gateway.dispatched, []);
});

t.test('copies of requests', async (t) => {
  const copy = parseCopy(copyRequest(parse('COMMAND', 'GETKEYS', 'SET', 'a\0\r\n', ''), 2));
  t.same([copy.argc, copy.text(0), copy.text(1), copy.text(2)], [3, 'SET', 'a\0\r\n', '']);
});

t.test('rows are sound', async (t) => {
  const names = serverCommands.map(({ name }) => name);
  t.equal(new Set(names).size, names.length, 'each name once');
  const gateway = makeGateway();
  t.match(call(gateway, makeConnection(gateway), 'COMMAND', 'DOCS'), /^\*\d+\r\n/);
  t.match(call(gateway, makeConnection(gateway), 'COMMAND', 'INFO', 'ping'), /\+@connection/);
  const config = serverCommands.find(({ name }) => name === 'CONFIG|SET')!;
  t.same(categoriesOf(config), ['admin', 'slow', 'dangerous']);
});

t.test('small things', async (t) => {
  t.equal(integer('9223372036854775808'), undefined);
  t.equal(integer('-0'), undefined);
  t.equal(integer('01'), undefined);
  t.equal(integer('-12'), -12);
  t.equal(humanBytes(1023), '1023B');
  t.equal(humanBytes(1536), '1.50K');
  t.equal(humanBytes(3 * 2 ** 30), '3.00G');
});

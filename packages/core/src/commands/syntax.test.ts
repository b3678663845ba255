import t from 'tap';
import { type Command, RedisServer, redisMissing } from '../redis-server.fixture.ts';
import { FLAG_NAMES } from './command-spec.ts';
import { COMMANDS } from './index.ts';
import { type Argument, parseSyntax } from './syntax.ts';

/** An argument in short: `name:type`, its token, `?` optional, `*` multiple, `**` with the token. */
function short(argument: Argument): string {
  const token = argument.token === undefined ? '' : `${argument.token} `;
  const parts =
    argument.arguments === undefined ? '' : `(${argument.arguments.map(short).join(' ')})`;
  const multiple = argument.isMultipleToken ? '**' : argument.isMultiple ? '*' : '';
  const name = parts === '' ? `${argument.name}:` : '';
  return `${token}${name}${argument.type}${parts}${argument.isOptional ? '?' : ''}${multiple}`;
}

function parsed(text: string): string {
  return parseSyntax(text).map(short).join(' ');
}

t.test('the notation', async (t) => {
  t.equal(parsed(''), '');
  t.equal(parsed('key value'), 'key:key value:string');
  t.equal(parsed('key increment:double'), 'key:key increment:double');
  t.equal(parsed('ip:port'), 'ip:port:string');
  t.equal(parsed('[NX | XX]'), 'oneof(NX nx:pure-token XX xx:pure-token)?');
  t.equal(parsed('<LEFT | RIGHT>'), 'oneof(LEFT left:pure-token RIGHT right:pure-token)');
  t.equal(
    parsed('[EX seconds | PERSIST]'),
    'oneof(EX seconds:integer PERSIST persist:pure-token)?',
  );
  t.equal(parsed('key [key ...]'), 'key:key*');
  t.equal(parsed('key value [key value ...]'), 'block(key:key value:string)*');
  t.equal(parsed('[element [element ...]]'), 'element:string?*');
  t.equal(parsed('[element ...]'), 'element:string?*');
  t.equal(parsed('[GET pattern [GET pattern ...]]'), 'GET pattern:pattern?**');
  t.equal(parsed('[LIMIT offset count]'), 'LIMIT block(offset:integer count:integer)?');
  t.equal(parsed('[COUNT count [ANY]]'), 'block(COUNT count:integer ANY any:pure-token?)?');
  t.equal(parsed('[BY <A | B>]'), 'BY oneof(A a:pure-token B b:pure-token)?');
  t.equal(parsed('STREAMS key [key ...] id [id ...]'), 'STREAMS block(key:key* id:string*)');
  t.equal(
    parsed('numkeys key [key ...] <LEFT | RIGHT> [COUNT count]'),
    'numkeys:integer key:key* oneof(LEFT left:pure-token RIGHT right:pure-token) COUNT count:integer?',
  );
});

t.test('texts that do not parse', async (t) => {
  for (const text of ['[key', 'key]', '<A | B]', 'a | b', '[]', '[A |]']) {
    t.throws(() => parseSyntax(text), text);
  }
});

t.test('every row of the command table parses', async (t) => {
  for (const { name, syntax } of COMMANDS) t.doesNotThrow(() => parseSyntax(syntax), name);
});

/** The types and tokens of an argument, in a form that COMMAND DOCS's reply is brought to as well. */
interface Shape {
  type: string;
  token: string;
  flags: string[];
  parts: Shape[];
}

function shapeOf(argument: Argument): Shape {
  const flags = [
    argument.isOptional && 'optional',
    argument.isMultiple && 'multiple',
    argument.isMultipleToken && 'multiple_token',
  ];
  return {
    type: argument.type,
    token: argument.token ?? '',
    flags: flags.filter((flag) => flag !== false),
    parts: (argument.arguments ?? []).map(shapeOf),
  };
}

type Reply = string | Reply[];

/** A RESP2 reply of arrays, bulk strings, status replies and integers, as nested arrays. */
function decode(text: string): Reply {
  let at = 0;
  const next = (): Reply => {
    const end = text.indexOf('\r\n', at);
    const type = text[at];
    const line = text.slice(at + 1, end);
    at = end + 2;
    if (type === '*') return Array.from({ length: Number(line) }, next);
    if (type !== '$') return line;
    at += Number(line) + 2;
    return text.slice(at - Number(line) - 2, at - 2);
  };
  return next();
}

function field(map: Reply, name: string): Reply {
  const at = map.indexOf(name);
  return at < 0 ? [] : map[at + 1];
}

function shapeOfDocs(argument: Reply): Shape {
  const parts = field(argument, 'arguments');
  return {
    type: String(field(argument, 'type')),
    token: String(field(argument, 'token')),
    flags: [field(argument, 'flags')].flat(2).map(String),
    parts: Array.isArray(parts) ? parts.map(shapeOfDocs) : [],
  };
}

t.test(
  'string commands have the arguments of COMMAND DOCS',
  { skip: redisMissing() },
  async (t) => {
    const redis = await RedisServer.start();
    t.teardown(() => redis.stop());
    const rows = COMMANDS.filter((row) => row.group === 'string');
    const replies = await redis.call(rows.map(({ name }): Command => ['COMMAND', 'DOCS', name]));
    t.ok(rows.length >= 22);
    for (const [i, { name, syntax }] of rows.entries()) {
      const docs = field(decode(replies[i])[1], 'arguments');
      t.same(parseSyntax(syntax).map(shapeOf), (docs as Reply[]).map(shapeOfDocs), name);
    }
  },
);

t.test('rows of string commands are those of COMMAND INFO', { skip: redisMissing() }, async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const rows = COMMANDS.filter((row) => row.group === 'string');
  const replies = await redis.call(rows.map(({ name }): Command => ['COMMAND', 'INFO', name]));
  for (const [i, row] of rows.entries()) {
    const [, arity, flags, first, last, step, , tips, [spec]] = decode(replies[i])[0] as Reply[];
    const names = FLAG_NAMES.filter(([flag]) => (row.flags & flag) !== 0).map(([, flag]) => flag);
    const [keyRange] = row.keys ?? [];
    t.equal(row.arity, Number(arity), row.name);
    t.same(names, flags, row.name);
    t.same([keyRange?.first, keyRange?.last, keyRange?.step], [first, last, step].map(Number));
    t.same(row.tips ?? [], tips, row.name);
    t.equal(keyRange?.access, (field(spec, 'flags') as Reply[]).join(' '), row.name);
  }
});

/** Replies of commands, as Lua values; and what a script returns of them, back as a reply. */
import { LuaTable, type LuaValue } from '@hashlane/lua';
import { Block, ReplyWriter } from '@hashlane/resp';
import t from 'tap';
import { ReplyDecoder } from './reply-decoder.ts';
import { encodeReply } from './reply-encoder.ts';

const decoder = new ReplyDecoder();

/** Decoded from the midst of a block. */
function decoded(raw: string): LuaValue {
  return decoder.decode(new Block(Buffer.from(`before${raw}after`, 'latin1')), 'before'.length);
}

function shown(value: LuaValue): unknown {
  if (!(value instanceof LuaTable)) return value;
  const entries: unknown[] = [];
  for (let at = value.next(undefined); at !== undefined; at = value.next(at.key)) {
    entries.push([at.key, shown(at.value)]);
  }
  return entries;
}

void t.test('every type', (t) => {
  for (const [raw, wanted] of [
    [':7\r\n', 7],
    [':-7\r\n', -7],
    [':0\r\n', 0],
    [':9007199254740993\r\n', 9007199254740992],
    [':9223372036854775805\r\n', 2 ** 63],
    [':-9223372036854775808\r\n', -(2 ** 63)],
    ['$0\r\n\r\n', ''],
    ['$1\r\n\xff\r\n', '\xff'],
    ['$4\r\n\r\n\0\x80\r\n', '\r\n\0\x80'],
    ['$-1\r\n', false],
    ['*-1\r\n', false],
    ['_\r\n', undefined],
    ['#t\r\n', true],
    ['#f\r\n', false],
    ['+OK\r\n', [['ok', 'OK']]],
    [',1.5\r\n', [['double', 1.5]]],
    [',-inf\r\n', [['double', Number.NEGATIVE_INFINITY]]],
    ['(123456789012345678901\r\n', [['big_number', '123456789012345678901']]],
    [
      '=6\r\ntxt:hi\r\n',
      [
        [
          'verbatim_string',
          [
            ['format', 'txt'],
            ['string', 'hi'],
          ],
        ],
      ],
    ],
    [
      '~2\r\n:1\r\n$1\r\na\r\n',
      [
        [
          'set',
          [
            [1, true],
            ['a', true],
          ],
        ],
      ],
    ],
    ['%1\r\n$1\r\na\r\n*1\r\n:1\r\n', [['map', [['a', [[1, 1]]]]]]],
    ['*0\r\n', []],
    [
      '*3\r\n:1\r\n$-1\r\n_\r\n',
      [
        [1, 1],
        [2, false],
      ],
    ],
    [
      '*3\r\n_\r\n:2\r\n*1\r\n:3\r\n',
      [
        [2, 2],
        [3, [[1, 3]]],
      ],
    ],
  ] as const) {
    t.strictSame(shown(decoded(raw)), wanted, JSON.stringify(raw));
  }
  t.strictSame(shown(decoded('-ERR no\r\n')), [
    ['ignore_error_stats_update', true],
    ['err', 'ERR no'],
  ]);
  t.end();
});

void t.test('texts of all lengths', (t) => {
  for (let length = 0; length < 300; length++) {
    const text = Array.from({ length }, (_, i) => String.fromCharCode((i * 7) & 255)).join('');
    t.equal(decoded(`$${length}\r\n${text}\r\n`), text);
  }
  t.end();
});

void t.test('what a script returns as it came is the reply that it was', (t) => {
  for (const raw of [
    ':12345\r\n',
    '$3\r\nabc\r\n',
    '+OK\r\n',
    '-WRONGTYPE x\r\n',
    '*2\r\n:1\r\n*1\r\n$0\r\n\r\n',
    ',0.5\r\n',
    '%1\r\n$1\r\na\r\n#t\r\n',
    '~1\r\n:5\r\n',
    '(12\r\n',
    '=5\r\ntxt:x\r\n',
    '#f\r\n',
    '_\r\n',
  ]) {
    const reply = new ReplyWriter(64);
    reply.protocol = 3;
    encodeReply(reply, decoded(raw), 3);
    t.equal(reply.block.bytes.latin1Slice(0, reply.position), raw);
  }
  t.end();
});

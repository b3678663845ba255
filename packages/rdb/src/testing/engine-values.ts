/** For tests: values of a core engine made, encoded, decoded and compared. */

import { Block, hashBytes, LIST, ListValue } from '@hashlane/core';
import { EngineFixture } from '@hashlane/core/engine.fixture';
import { RdbValueCodec } from '../value-codec.ts';

/** Words of one command; strings are latin1. */
export type Command = readonly (string | Buffer)[];

export function makeEngine(compression = true, seed = 1): EngineFixture {
  const fixture = new EngineFixture({ codec: new RdbValueCodec(), seed });
  fixture.engine.settings.rdbCompression = compression;
  return fixture;
}

/** Runs a command and throws when its reply is an error. */
export function run(fixture: EngineFixture, [name, ...args]: Command): string {
  const reply = fixture.call(String(name), ...args);
  if (reply === undefined || reply.startsWith('-')) throw new Error(`${name}: ${reply}`);
  return reply;
}

export function encode(fixture: EngineFixture, key: string): Buffer {
  const keyspace = fixture.engine.keyspace(fixture.database);
  const reference = keyspace.findKey(Buffer.from(key, 'latin1'));
  if (reference === 0) throw new Error(`no key ${key}`);
  return fixture.engine.codec.encodeValue(keyspace, reference);
}

/** Replaces a key by the value of a payload; false when the codec refuses it. */
export function decode(fixture: EngineFixture, key: string | Buffer, payload: Buffer): boolean {
  const block = new Block(typeof key === 'string' ? Buffer.from(key, 'latin1') : key);
  const { length } = block.bytes;
  const hash = hashBytes(block, 0, length);
  const { engine } = fixture;
  const keyspace = engine.keyspace(fixture.database);
  if (keyspace.find(block, 0, length, hash) !== 0) keyspace.removeFound();
  return engine.codec.decodeValue(keyspace, block, 0, length, hash, payload) !== 0;
}

/** Type, deadline and content of a key as one latin1 string. */
export function contentOf(fixture: EngineFixture, key: string): string {
  const type = run(fixture, ['TYPE', key]);
  const read = type.startsWith('+list') ? ['LRANGE', key, '0', '-1'] : ['GET', key];
  const deadline = run(fixture, ['PEXPIRETIME', key]);
  return `${type}${deadline}${run(fixture, read)}`;
}

/** Walks everything there is and throws when something is out of order. */
export function verify(fixture: EngineFixture): void {
  const { engine } = fixture;
  engine.verify();
  const list = new ListValue();
  for (const keyspace of engine.keyspaces()) {
    for (let cursor = 0; cursor >= 0; ) {
      cursor = keyspace.map.scan(cursor, 100, (reference) => {
        if (keyspace.typeOf(reference) !== LIST) return;
        list.open(engine.arena, reference, engine.settings.listMaxListpackSize).verify();
      });
    }
  }
}

/** Numbers below a bound, the same ones for the same seed. */
export function seeded(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

const INTEGERS = [
  '0',
  '7',
  '127',
  '128',
  '-1',
  '-128',
  '-129',
  '4095',
  '-4096',
  '32767',
  '32768',
  '-32769',
  '8388607',
  '-8388609',
  '2147483647',
  '-2147483648',
  '2147483648',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
  '007',
  '-0',
  '+1',
  '1e3',
];
const LENGTHS = [0, 1, 11, 12, 20, 21, 63, 64, 65, 127, 128, 300, 4095, 4096, 9000];

/** An element or string: an integer, noise or something that compresses. */
export function randomBytes(below: (bound: number) => number): Buffer {
  const kind = below(4);
  if (kind === 0) return Buffer.from(INTEGERS[below(INTEGERS.length)]);
  const length = below(3) === 0 ? LENGTHS[below(LENGTHS.length)] : below(60);
  if (kind === 1) return Buffer.alloc(length, String.fromCharCode(97 + below(26)));
  const alphabet = kind === 2 ? 256 : 4;
  return Buffer.from(Array.from({ length }, () => below(alphabet)));
}

/** One command per key that gives it a value, `key:0` and on; every kind and size is among them. */
export function sampleCommands(seed: number, keys: number): Command[] {
  const below = seeded(seed);
  const large = (bytes: number, alphabet: number): Buffer =>
    Buffer.from(Array.from({ length: bytes }, (_, i) => (alphabet === 1 ? i >> 9 : below(256))));
  const fixed: Command[] = [
    ['SET', 'key:empty', ''],
    ['SET', 'key:noise', large(100_000, 256)],
    ['SET', 'key:lzf', large(200_000, 1)],
    ['SET', 'key:huge', large(700_000, 1)],
    ['SET', 'k'.repeat(300), 'long key'],
    ['SET', '12345', 'integer key'],
    ['RPUSH', 'key:large', 'a', large(70_000, 256), 'b', large(90_000, 1), '', '12'],
    ['RPUSH', 'key:nodes', ...Array.from({ length: 5000 }, (_, i) => `element:${i * 7}`)],
    ...INTEGERS.map((text, i): Command => ['SET', `key:int:${i}`, text]),
  ];
  const random = Array.from({ length: keys }, (_, i): Command => {
    const key = `key:${i}`;
    if (below(2) === 0) return ['SET', key, randomBytes(below)];
    const elements = Array.from({ length: 1 + below(40) }, () => randomBytes(below));
    return ['RPUSH', key, ...elements];
  });
  return [...fixed, ...random];
}

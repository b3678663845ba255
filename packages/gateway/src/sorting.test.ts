import { Block } from '@hashlane/resp';
import { hashBytes, Router } from '@hashlane/shard-worker';
import t from 'tap';
import { parseCopy } from './request-copy.ts';
import { sortsAlone } from './sorting.ts';

const router = new Router(64, []);

function shardOf(key: Block): number {
  const { length } = key.bytes;
  return router.shardOf(key, 0, length, hashBytes(key, 0, length));
}

function alone(...words: string[]): boolean {
  const line = words.map((word) => `$${word.length}\r\n${word}\r\n`).join('');
  return sortsAlone(parseCopy(new Block(Buffer.from(`*${words.length}\r\n${line}`))), shardOf);
}

t.test('SORT whose patterns name keys of its own shard needs no other', async (t) => {
  t.ok(alone('SORT', '{a}l', 'LIMIT', '0', '1', 'DESC', 'ALPHA'));
  t.ok(alone('SORT', '{a}l', 'STORE', '{a}d'));
  t.ok(alone('SORT', '{a}l', 'BY', 'nosort', 'GET', '#', 'get', 'nothing'));
  t.ok(alone('SORT', '{a}l', 'BY', '{a}w_*', 'GET', 'x{a}*->field', 'limit', '0', '1'));
  t.ok(alone('SORT', '{a}l', 'GET'), 'its shard says what is wrong');
  t.ok(alone('SORT', '{a}l', 'BY*', '{b}w_*'), 'a long word is no option');
});

t.test('SORT whose patterns may name keys of other shards needs them', async (t) => {
  t.notOk(alone('SORT', 'l', 'BY', 'w_*'));
  t.notOk(alone('SORT', '{a}l', 'BY', '{b}w_*'));
  t.notOk(alone('SORT', '{a}l', 'GET', '*{a}'), 'an element may have braces');
  t.notOk(alone('SORT', '{a}l', 'GET', '{*}'), 'the tag is the element');
  t.notOk(alone('SORT', '{a}l', 'GET', '{}{a}*'), 'an empty tag is none');
  t.notOk(alone('SORT', '{a}l', 'BY', '{a}w_*', 'STORE', 'BY', 'GET', 'o_*'));
  t.notOk(alone('SORT', '{a}l', 'LIMIT', 'BY', 'BY', 'by', 'w_*'));
});

/** Which scripts stay, and what shards are told. */
import t from 'tap';
import { EVAL_SCRIPTS_MAX } from './limits.ts';
import type { ControlRequest } from './messages.ts';
import { ScriptStore } from './script-store.ts';

interface Told {
  readonly request: ControlRequest;
  readonly except: number;
}

function storeAndTold(): { store: ScriptStore; told: Told[] } {
  const told: Told[] = [];
  return { store: new ScriptStore((request, except) => told.push({ request, except })), told };
}

function learn(store: ScriptStore, digest: string, isLoaded = false, epoch = store.epoch): void {
  store.learned(1, { digest, source: `return ${digest}`, epoch, isLoaded });
}

void t.test('what one shard learns the others are told', (t) => {
  const { store, told } = storeAndTold();
  learn(store, 'a');
  learn(store, 'a');
  t.strictSame(told, [
    { request: { type: 'script-add', digest: 'a', source: 'return a' }, except: 1 },
  ]);
  t.strictSame([store.size, store.bytes, store.has('a')], [1, 8, true]);
  t.end();
});

void t.test('a flush, and what was learned before it was seen', (t) => {
  const { store, told } = storeAndTold();
  learn(store, 'a');
  store.flush();
  learn(store, 'b', false, 0);
  learn(store, 'c', true, 0);
  t.strictSame([store.size, store.bytes, store.epoch], [0, 0, 1]);
  t.strictSame(told.at(-1), { request: { type: 'script-flush', epoch: 1 }, except: -1 });
  learn(store, 'a');
  t.equal(store.has('a'), true);
  t.end();
});

void t.test('the least recently used of EVAL make room, those of SCRIPT LOAD stay', (t) => {
  const { store, told } = storeAndTold();
  learn(store, 'loaded', true);
  learn(store, 'promoted');
  learn(store, 'promoted', true);
  for (const digest of ['used', 'unused', 'used later']) learn(store, digest);
  const others = EVAL_SCRIPTS_MAX - 3;
  for (let i = 0; i < others; i++) learn(store, `other ${i}`);
  t.equal(store.evicted, 0);
  store.used('used');
  store.used('loaded');
  store.used('no such');
  learn(store, 'one more');
  t.strictSame(told.at(-1), { request: { type: 'script-drop', digest: 'unused' }, except: -1 });
  store.used('used later');
  learn(store, 'two more');
  t.strictSame(told.at(-1), { request: { type: 'script-drop', digest: 'other 0' }, except: -1 });
  for (const digest of ['loaded', 'promoted', 'used', 'used later'])
    t.ok(store.has(digest), digest);
  t.strictSame([store.size, store.evicted], [EVAL_SCRIPTS_MAX + 2, 2]);
  const bytes = store.all().reduce((sum, [, source]) => sum + source.length, 0);
  t.equal(store.bytes, bytes);
  t.end();
});

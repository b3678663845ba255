/**
 * The store of libraries with a shard that answers when the test lets it: what others do between a
 * trial and its answer must not leave two libraries with one name, or half of one.
 */
import { encodeLibraries } from '@hashlane/rdb';
import t from 'tap';
import { FunctionStore } from './function-store.ts';
import type { ControlAnswers, ControlRequest } from './messages.ts';

type Trial = ControlAnswers['functions-try'];

/** A store whose shard finds the functions that a source lists after its header. */
function makeStore(): {
  store: FunctionStore;
  told: string[];
  answer(index?: number): void;
} {
  const waiting: (() => void)[] = [];
  const told: string[] = [];
  const store = new FunctionStore({
    compresses: () => false,
    tell: (request: ControlRequest) => {
      if (request.type !== 'functions-change') throw new Error(request.type);
      told.push(`-${request.removed} +${request.added.map(([name]) => name)}`);
    },
    try: (sources) =>
      new Promise<Trial>((resolve) => {
        const results = sources.map(functionsIn);
        waiting.push(() => resolve({ isShortOfMemory: false, results }));
      }),
  });
  return { store, told, answer: (index = 0) => waiting.splice(index, 1)[0]!() };
}

function functionsIn(source: string): Trial['results'][number] {
  const names = source.split('\n')[1]!.split(' ');
  if (names[0] === 'fails') return 'ERR it fails';
  return names.map((name) => ({ name, description: undefined, flags: [] }));
}

function source(name: string, functions: string): string {
  return `#!lua name=${name}\n${functions}`;
}

void t.test('two libraries of one name: the second to be tried loses', async (t) => {
  const { store, told, answer } = makeStore();
  const first = store.load(source('a', 'f'), false);
  const second = store.load(source('a', 'g'), false);
  answer(1);
  t.strictSame(await second, { name: 'a' });
  answer();
  t.strictSame(await first, { error: "ERR Library 'a' already exists" });
  t.strictSame(told, ['-a +a']);
  t.equal(store.functionCount, 1);
});

void t.test('a function that came meanwhile', async (t) => {
  const { store, told, answer } = makeStore();
  const first = store.load(source('a', 'f'), false);
  const second = store.load(source('b', 'g F'), true);
  answer();
  await first;
  answer();
  t.strictSame(await second, { error: 'ERR Function F already exists' });
  const replaced = store.load(source('a', 'F g'), true);
  answer();
  t.strictSame(await replaced, { name: 'a' }, 'those of the library itself go');
  t.strictSame(told, ['-a +a', '-a +a']);
});

void t.test('what fails changes nothing, and tells nobody', async (t) => {
  const { store, told, answer } = makeStore();
  const load = async (text: string, replaces = true): Promise<unknown> => {
    const loading = store.load(text, replaces);
    answer();
    return loading;
  };
  await load(source('a', 'f'));
  const { changes, bytes } = store;
  t.strictSame(await load(source('a', 'fails')), { error: 'ERR it fails' });
  t.strictSame(await load('no header'), { error: 'ERR Missing library metadata' });
  t.strictSame(await load(source('b', 'f')), { error: 'ERR Function f already exists' });
  const payload = encodeLibraries([source('b', 'g'), source('c', 'fails')], false);
  const restoring = store.restore(payload, 'flush');
  answer();
  t.equal(await restoring, 'ERR it fails');
  t.equal(store.delete('b'), false);
  t.strictSame([told.length, store.changes, store.bytes], [1, changes, bytes]);
  t.strictSame(store.all(), [['a', source('a', 'f')]]);
});

void t.test('libraries that come together', async (t) => {
  const { store, told, answer } = makeStore();
  const restore = async (
    sources: string[],
    policy: 'flush' | 'append' | 'replace',
  ): Promise<unknown> => {
    const restoring = store.restore(encodeLibraries(sources, true), policy);
    answer();
    return restoring;
  };
  const a = source('a', 'f');
  const b = source('b', 'g');
  t.equal(await restore([a, a], 'append'), "ERR Library 'a' already exists");
  t.equal(await restore([a, source('b', 'F')], 'append'), 'ERR Function F already exists');
  t.equal(await restore([a, b], 'append'), undefined);
  t.equal(await restore([source('c', 'h'), b], 'append'), 'ERR Library b already exists');
  t.equal(await restore([source('a', 'g')], 'replace'), 'ERR Function g already exists');
  t.equal(await restore([source('a', 'h'), source('b', 'f')], 'replace'), undefined);
  t.equal(await restore([source('c', 'f')], 'flush'), undefined);
  store.flush();
  t.strictSame(told, ['- +a,b', '-a,b +a,b', '-a,b +c', '-c +']);
  t.strictSame(store.all(), []);
});

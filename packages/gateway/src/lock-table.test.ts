/** The lock table: compatibility, order, and random requests against what may be held together. */
import t, { type Test } from 'tap';
import { EVERYTHING, type Lock, LockTable } from './lock-table.ts';

function use(exclusive: string, shared = ''): Map<string, boolean> {
  const keys = new Map<string, boolean>();
  for (const key of shared) keys.set(`:${key}`, false);
  for (const key of exclusive) keys.set(`:${key}`, true);
  return keys;
}

function requester(t: Test) {
  const table = new LockTable();
  const order: string[] = [];
  const ask = (name: string, keys: ReadonlyMap<string, boolean>): Lock =>
    table.acquire(keys, () => order.push(name));
  return { table, order, ask, expect: (...names: string[]) => t.same(order, names) };
}

t.test('shared locks go together, exclusive ones wait', async (t) => {
  const { table, ask, expect } = requester(t);
  const a = ask('a', use('', 'k'));
  const b = ask('b', use('', 'k'));
  const c = ask('c', use('k'));
  const d = ask('d', use('', 'k'));
  expect('a', 'b');
  t.equal(table.isTaken(':k', false), true, 'whoever comes now waits behind the writer');
  t.equal(table.isTaken(':other', true), false);
  table.release(a);
  expect('a', 'b');
  table.release(b);
  expect('a', 'b', 'c');
  table.release(c);
  expect('a', 'b', 'c', 'd');
  table.release(d);
  t.equal(table.size, 0);
});

t.test('one that waits for a key holds the others', async (t) => {
  const { table, ask, expect } = requester(t);
  const a = ask('a', use('x'));
  const b = ask('b', use('xy'));
  const c = ask('c', use('y'));
  expect('a');
  table.release(a);
  expect('a', 'b');
  table.release(b);
  expect('a', 'b', 'c');
  table.release(c);
  t.equal(table.size, 0);
});

t.test('a request that is given up lets the next ones pass', async (t) => {
  const { table, ask, expect } = requester(t);
  const a = ask('a', use('x'));
  const b = ask('b', use('xy'));
  const c = ask('c', use('y'));
  table.release(b);
  expect('a', 'c');
  table.release(a);
  table.release(c);
  t.equal(table.size, 0);
});

t.test('everything waits until nothing is held, and what comes later waits for it', async (t) => {
  const { table, ask, expect } = requester(t);
  const a = ask('a', use('x'));
  const all = ask('all', new Map([[EVERYTHING, true]]));
  const b = ask('b', use('y'));
  expect('a');
  table.release(a);
  expect('a', 'all');
  table.release(all);
  expect('a', 'all', 'b');
  table.release(b);
  t.equal(table.size, 0);
});

t.test('random requests: none together that may not be, all granted in the end', async (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    let state = seed;
    const below = (bound: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return state % bound;
    };
    const table = new LockTable();
    const held = new Set<Lock>();
    const waiting = new Set<Lock>();
    let granted = 0;
    const check = (): void => {
      for (const one of held) {
        for (const other of held) {
          if (one === other) continue;
          for (const [key, isExclusive] of one.keys) {
            if (isExclusive && other.keys.has(key)) t.fail(`seed ${seed}: ${key} is held twice`);
          }
        }
      }
    };
    const STEPS = 2000;
    for (let step = 0; step < STEPS; step++) {
      if (below(2) === 0 || held.size === 0) {
        const keys = new Map<string, boolean>();
        for (let i = below(3); i >= 0; i--) keys.set(`:${below(6)}`, below(2) === 0);
        if (below(50) === 0) keys.set(EVERYTHING, true);
        const lock = table.acquire(keys, () => granted++);
        (lock.isHeld ? held : waiting).add(lock);
      } else {
        const lock = [...held][below(held.size)] as Lock;
        held.delete(lock);
        table.release(lock);
      }
      for (const lock of waiting) {
        if (!lock.isHeld) continue;
        waiting.delete(lock);
        held.add(lock);
      }
      check();
    }
    while (held.size > 0) {
      for (const lock of held) {
        held.delete(lock);
        table.release(lock);
      }
      for (const lock of waiting) {
        if (!lock.isHeld) continue;
        waiting.delete(lock);
        held.add(lock);
      }
    }
    t.equal(waiting.size, 0, `seed ${seed}: nobody is left waiting`);
    t.equal(granted, table.acquired);
    t.equal(table.size, 0);
  }
});

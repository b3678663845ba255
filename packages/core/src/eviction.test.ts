import t from 'tap';
import { EngineFixture } from './engine.fixture.ts';

/** A fixture that is full with `keys` keys under a policy. */
function full(policy: string, keys = 500): EngineFixture {
  const fixture = new EngineFixture({ now: 1_000_000_000 });
  fixture.engine.settings.maxMemoryPolicy = policy;
  fixture.engine.settings.maxMemorySamples = 20;
  fixture.engine.lfu = policy.endsWith('lfu');
  fixture.engine.setNow(fixture.engine.now);
  for (let i = 0; i < keys; i++) fixture.call('SET', `k${i}`, 'x'.repeat(1000));
  fixture.engine.settings.maxMemory = fixture.engine.usedMemory;
  return fixture;
}

const VALUE = 'y'.repeat(1000);

t.test('noeviction refuses commands that use memory, and no others', async (t) => {
  const fixture = full('noeviction');
  fixture.call('SET', 'over', VALUE);
  t.match(fixture.call('SET', 'over2', VALUE), /^-OOM command not allowed/);
  t.equal(fixture.call('DEL', 'k1', 'k2', 'k3'), ':3\r\n');
  t.equal(fixture.call('SET', 'over2', VALUE), '+OK\r\n');
});

t.test('allkeys-lru evicts what was not used for long', async (t) => {
  const fixture = full('allkeys-lru');
  fixture.advance(60_000);
  for (let i = 0; i < 250; i++) fixture.call('GET', `k${i}`);
  for (let i = 0; i < 100; i++) t.equal(fixture.call('SET', `new${i}`, VALUE), '+OK\r\n');
  const { engine } = fixture;
  t.ok(engine.eviction.evicted >= 98);
  let used = 0;
  for (let i = 0; i < 250; i++) used += fixture.call('EXISTS', `k${i}`) === ':1\r\n' ? 1 : 0;
  t.ok(used > 245, `${used} of 250 used keys are left`);
  engine.verify();
});

t.test('allkeys-lfu keeps what is used often', async (t) => {
  const fixture = full('allkeys-lfu', 100);
  for (let round = 0; round < 200; round++) fixture.call('GET', 'k7');
  for (let i = 0; i < 80; i++) fixture.call('SET', `new${i}`, VALUE);
  t.equal(fixture.call('EXISTS', 'k7'), ':1\r\n');
  t.match(fixture.call('OBJECT|FREQ', 'FREQ', 'k7'), /^:[1-9]/);
  t.match(fixture.call('OBJECT|IDLETIME', 'IDLETIME', 'k7'), /^-ERR An LFU/);
});

t.test('volatile policies touch only keys with a deadline', async (t) => {
  for (const policy of ['volatile-lru', 'volatile-lfu', 'volatile-ttl', 'volatile-random']) {
    const fixture = full(policy, 100);
    for (let i = 0; i < 10; i++) fixture.call('EXPIRE', `k${i}`, 1000 + i);
    fixture.engine.settings.maxMemory = fixture.engine.usedMemory;
    let stored = 0;
    while (fixture.call('SET', `new${stored}`, VALUE) === '+OK\r\n') stored++;
    t.equal(fixture.engine.eviction.evicted, 10, policy);
    t.equal(fixture.engine.keyspace(0).expiries.size, 0);
    fixture.engine.verify();
  }
});

t.test('volatile-ttl evicts what expires first', async (t) => {
  const fixture = full('volatile-ttl', 50);
  for (let i = 0; i < 10; i++) fixture.call('EXPIRE', `k${i}`, 1000 + i);
  fixture.engine.settings.maxMemorySamples = 64;
  fixture.engine.settings.maxMemory = fixture.engine.usedMemory - 1;
  fixture.call('SET', 'new', VALUE);
  t.equal(fixture.call('EXISTS', 'k0'), ':0\r\n');
  t.equal(fixture.call('EXISTS', 'k1', 'k9'), ':2\r\n');
});

t.test('a key that is due when it is evicted takes no other key along', async (t) => {
  const fixture = full('volatile-ttl', 50);
  fixture.engine.expiresActively = false;
  for (let i = 0; i < 10; i++) fixture.call('PEXPIRE', `k${i}`, 1);
  fixture.advance(100);
  fixture.engine.settings.maxMemory = fixture.engine.usedMemory - 5000;
  fixture.call('SET', 'new', VALUE);
  fixture.engine.verify();
  for (let i = 10; i < 50; i++) t.equal(fixture.call('EXISTS', `k${i}`), ':1\r\n');
});

t.test('what waits to be freed is freed before a key is evicted', async (t) => {
  const fixture = new EngineFixture();
  const { engine } = fixture;
  engine.settings.maxMemoryPolicy = 'allkeys-random';
  engine.settings.listMaxListpackSize = 1;
  fixture.call('SET', 'keep', VALUE);
  for (let i = 0; i < 3000; i++) fixture.call('RPUSH', 'list', VALUE);
  fixture.call('DEL', 'list');
  engine.settings.maxMemory = engine.usedMemory - 100_000;
  fixture.call('SET', 'new', VALUE);
  t.equal(engine.eviction.evicted, 0);
  t.equal(fixture.call('EXISTS', 'keep', 'new'), ':2\r\n');
});

t.test('LFU counters rise by chance and decay with time', async (t) => {
  const fixture = full('allkeys-lfu', 1);
  for (let i = 0; i < 1000; i++) fixture.call('GET', 'k0');
  const risen = Number(fixture.call('OBJECT|FREQ', 'FREQ', 'k0')?.slice(1));
  t.ok(risen > 10 && risen < 60, `${risen} after 1,000 uses`);
  fixture.advance(3 * 60_000);
  t.equal(fixture.call('OBJECT|FREQ', 'FREQ', 'k0'), `:${risen - 3}\r\n`);
});

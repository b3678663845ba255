import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';

function withCall(fixture: EngineFixture) {
  return { engine: fixture.engine, call: fixture.call.bind(fixture) };
}

function fill({ call }: ReturnType<typeof withCall>, key: string, members: number): void {
  for (let i = 0; i < members; i++) call('GEOADD', key, i * 0.001, 0, `member:${i}`);
}

t.test('changes are counted as in Redis', async (t) => {
  const { call, engine } = withCall(new EngineFixture());
  const changes = (...words: [string, ...(string | number)[]]): number => {
    const before = engine.dirty;
    call(...words);
    return engine.dirty - before;
  };
  t.equal(changes('GEOADD', 'g', 0, 0, 'a', 1, 0, 'b'), 2);
  t.equal(changes('GEOADD', 'g', 0, 0, 'a', 2, 0, 'b'), 1);
  t.equal(changes('GEOADD', 'g', 'XX', 5, 5, 'c'), 0);
  t.equal(changes('GEOADD', 'none', 'XX', 5, 5, 'c'), 0);
  t.equal(call('EXISTS', 'none'), ':0\r\n');
  t.equal(changes('GEORADIUS', 'g', 0, 0, 1000, 'km', 'STORE', 'd'), 2);
  t.equal(changes('GEORADIUS', 'g', 100, 0, 1, 'km', 'STORE', 'd'), 1);
  t.equal(changes('GEORADIUS', 'g', 100, 0, 1, 'km', 'STORE', 'd'), 0);
});

t.test('a result takes its key, also that of the source', async (t) => {
  const { call, engine } = withCall(new EngineFixture());
  const keyspace = engine.keyspace(0);
  fill({ call, engine }, 'g', 300);
  call('SET', 'd', 'x', 'EX', 100);
  call('GEOSEARCHSTORE', 'd', 'g', 'FROMLONLAT', 0, 0, 'BYRADIUS', 1, 'km');
  t.equal(keyspace.expiries.size, 0);
  t.equal(call('ZCARD', 'd'), ':9\r\n');
  t.equal(call('OBJECT|ENCODING', 'ENCODING', 'd'), '$8\r\nlistpack\r\n');
  call('GEOSEARCHSTORE', 'g', 'g', 'FROMMEMBER', 'member:250', 'BYBOX', 1, 1, 'km', 'STOREDIST');
  t.equal(call('ZCARD', 'g'), ':9\r\n');
  engine.verify();
  for (const key of ['d', 'g']) call('DEL', key);
  while (engine.lazyFree.isPending) engine.lazyFree.step();
  t.equal(engine.arena.usedBytes, 0);
});

t.test('many findings are sorted, and their notes given up', async (t) => {
  const { call, engine } = withCall(new EngineFixture());
  fill({ call, engine }, 'g', 9000);
  const nearest = call('GEOSEARCH', 'g', 'FROMLONLAT', 0, 0, 'BYRADIUS', 5000, 'km', 'COUNT', 2);
  t.equal(nearest, '*2\r\n$8\r\nmember:0\r\n$8\r\nmember:1\r\n');
  const all = call('GEOSEARCH', 'g', 'FROMLONLAT', 0, 0, 'BYRADIUS', 5000, 'km', 'DESC') ?? '';
  t.match(all, /^\*9000\r\n\$11\r\nmember:8999\r\n/);
});

t.test('another type', async (t) => {
  const { call } = withCall(new EngineFixture());
  call('SET', 's', 'x');
  call('GEOADD', 'g', 0, 0, 'a');
  const failing = [
    ['GEOADD', 's', '0', '0', 'a'],
    ['GEOPOS', 's', 'a'],
    ['GEOHASH', 's', 'a'],
    ['GEODIST', 's', 'a', 'b'],
    ['GEORADIUS', 's', 'x', 'y', '1', 'm'],
    ['GEORADIUSBYMEMBER', 's', 'a', '1', 'm'],
    ['GEOSEARCH', 's', 'FROMMEMBER', 'a', 'BYRADIUS', '1', 'm'],
    ['GEOSEARCHSTORE', 'd', 's', 'FROMMEMBER', 'a', 'BYRADIUS', '1', 'm'],
  ] as const;
  for (const [name, ...args] of failing) t.equal(call(name, ...args), WRONG_TYPE, name);
  call('GEOSEARCHSTORE', 's', 'g', 'FROMMEMBER', 'a', 'BYRADIUS', '1', 'm');
  t.equal(call('TYPE', 's'), '+zset\r\n', 'a destination may be of any type');
});

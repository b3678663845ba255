import { Session } from 'node:inspector/promises';
import t from 'tap';
import {
  type CpuProfile,
  parseCpuProfile,
  renderSummary,
  summariseCpuProfile,
  threadOfProfile,
} from './cpu-profile-summary.ts';

function node(id: number, functionName: string, url = '', lineNumber = -1) {
  return { id, callFrame: { functionName, url, lineNumber } };
}

const PROFILE: CpuProfile = {
  nodes: [
    node(1, '(idle)'),
    node(2, 'apply', 'file:///repo/packages/core/src/engine.ts', 9),
    node(3, 'apply', 'file:///repo/packages/core/src/engine.ts', 9),
    node(4, '', 'node:net', 0),
    node(5, 'unused', 'node:net', 1),
  ],
  samples: [1, 2, 3, 4, 2],
  timeDeltas: [4_000, 1_000, 2_000, 1_500, -7],
};

t.test('self time by function, idle left out', async (t) => {
  const summary = summariseCpuProfile(PROFILE, 'file:///repo/');
  t.equal(summary.totalMs, 8.5);
  t.equal(summary.idleMs, 4);
  t.same(summary.functions, [
    { name: 'apply', place: 'packages/core/src/engine.ts:10', selfMs: 3, share: 3 / 4.5 },
    { name: '(anonymous)', place: 'node:net:1', selfMs: 1.5, share: 1.5 / 4.5 },
  ]);
});

t.test('as text', async (t) => {
  const text = renderSummary('main thread', summariseCpuProfile(PROFILE), 1);
  t.match(text, /^main thread: 0\.0 s, 47 % idle/);
  t.match(text, / 66\.7 % {2,}3 ms {2}apply +file:\S+engine\.ts:10/);
  t.notMatch(text, 'anonymous', 'no more rows than asked for');
});

t.test('an empty profile', async (t) => {
  const summary = summariseCpuProfile({ nodes: [], samples: [], timeDeltas: [] });
  t.same(summary, { totalMs: 0, idleMs: 0, functions: [] });
  t.match(renderSummary('x', summary), '0 % idle');
});

t.test('what is not a profile is refused', async (t) => {
  t.throws(() => parseCpuProfile('{}'), /not a .cpuprofile/);
  t.throws(() => parseCpuProfile('null'), /not a .cpuprofile/);
  t.throws(() => summariseCpuProfile({ nodes: [], samples: [1], timeDeltas: [1] }), /node 1/);
});

t.test('a profile that V8 made', async (t) => {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  const summary = summariseCpuProfile(parseCpuProfile(JSON.stringify(profile)));
  t.ok(summary.totalMs >= 0);
});

t.test('the thread is in the name of the file', async (t) => {
  t.equal(threadOfProfile('CPU.20261121.051025.31727.0.001.cpuprofile'), 0);
  t.equal(threadOfProfile('CPU.20261121.051025.31727.12.003.cpuprofile'), 12);
  t.equal(threadOfProfile('notes.txt'), undefined);
});

import t from 'tap';
import type { Plan } from './plan-model.ts';
import { readPlan } from './plan-reader.ts';
import { PlanError, parseDuration } from './yaml-fields.ts';

const OPTIONS = { properties: new Map([['users', '9']]), seed: 1 };

function read(text: string, durationMs?: number): Plan {
  return readPlan(text, 'plan.yaml', { ...OPTIONS, durationMs });
}

/** The lines of the error, without the name of the file. */
function problems(text: string): string[] {
  try {
    read(text);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    return error.message.split('\n').map((each) => each.replace(/^plan\.yaml:/, ''));
  }
  return [];
}

const WHOLE = `
name: all of it
about: every field there is
variables: {keys: 10, prefix: 'k\${__intSum(1,2)}'}
setup:
  - FLUSHALL
  - {command: 'SET \${prefix}:\${__counter} x', repeat: '\${keys}', ignore-errors: ^LOADING}
groups:
  - name: g
    users: \${__P(users,5)}
    ramp-up: 1s
    delay: 20ms
    duration: 8s
    loops: 100
    grace: 1.5s
    reply-timeout: 1m
    think: {gaussian: {mean: 3ms, deviation: 1ms}}
    variables: {me: 'u\${__threadNum}'}
    once:
      - CLIENT SETNAME \${me}
    steps:
      - INCR a
      - name: b
        command: [SET, 'two words', '\${job}']
        percent: 50%
        if: \${job}
        assert: {equals: OK}
      - name: p
        pipeline: [INCR a, INCR b]
        repeat: 8
        think: {uniform: {from: 1ms, to: 2ms}}
      - name: m
        transaction: [INCR a, INCR b]
        assert:
          - {type: array, length: 2}
          - {at: 0, matches: '^\\d+$', anomaly: odd}
      - name: s
        tally: done
        wake-up: {at: 1, matches: '^(\\d+)'}
        sequence:
          - command: GET a
            extract: {job: {at: [], matches: '(.)', default: none}, all: [], second: 1}
          - unless: \${job}
            transaction: [INCR a]
verify:
  - command: GET a
    assert: {equals: '\${__tally(done)}', anomaly: lost}
listeners: [aggregate, {jtl: {errors-only: true}}]
`;

t.test('every field arrives', async (t) => {
  const plan = read(WHOLE);
  const [group] = plan.groups;
  t.equal(plan.setup[1]!.repeat, 10);
  t.match(group, {
    users: 9,
    rampUpMs: 1_000,
    delayMs: 20,
    durationMs: 8_000,
    loops: 100,
    graceMs: 1_500,
    replyTimeoutMs: 60_000,
    think: { kind: 'gaussian', meanMs: 3, deviationMs: 1 },
  });
  t.same(plan.labels, ['CLIENT', 'INCR', 'b', 'p', 'm', 's']);
  const steps = group!.steps;
  t.same(steps[0]!.exchanges[0]!.commands[0]!.parts, ['*2\r\n$4\r\nINCR\r\n$1\r\na\r\n']);
  t.equal(steps[1]!.percent, 50);
  t.equal(steps[2]!.exchanges[0]!.commands.length, 16);
  t.same(steps[2]!.think, { kind: 'uniform', fromMs: 1, toMs: 2 });
  const names = steps[3]!.exchanges[0]!.commands.map((command) => command.name);
  t.same(names, ['MULTI', 'INCR', 'INCR', 'EXEC']);
  t.equal(steps[3]!.exchanges[0]!.checks[1]!.anomaly, 'odd');
  t.equal(steps[4]!.exchanges.length, 2);
  t.equal(steps[4]!.exchanges[1]!.condition?.isWanted, false);
  t.match(steps[4]!.wakeUp, { at: [1], group: 1 });
  t.same(plan.tallies, ['done']);
  t.same(plan.listeners, {
    aggregate: true,
    jtl: { isErrorsOnly: true, isForJMeter2: false },
    html: false,
  });
});

t.test('another duration cuts ramp-up and delay', async (t) => {
  const [group] = read(WHOLE, 40).groups;
  t.match(group, { durationMs: 40, rampUpMs: 10, delayMs: 10 });
});

t.test('texts are UTF-8 on the wire', async (t) => {
  const plan = read('{name: n, groups: [{name: g, users: 1, loops: 1, steps: [ECHO ü]}]}');
  const [command] = plan.groups[0]!.steps[0]!.exchanges[0]!.commands;
  t.same(command!.parts, ['*2\r\n$4\r\nECHO\r\n$2\r\n\xc3\xbc\r\n']);
});

t.test('all problems at once, each with line and column', async (t) => {
  const found = problems(`name: wrong
groups:
  - name: g
    usres: 5
    users: many
    duration: 5
    steps:
      - comand: GET a
      - command: GET \${nobody}
        assert: {type: text}
      - command: "GET 'a"
        percent: 200
        pipeline: [GET a]
      - name: empty
        transaction: []
  - users: 0
    loops: 1
    think: soon
    steps: [PING]
verify:
  - {command: GET a, assert: {equals: '\${__tally(none)}'}}
extra: 1
`);
  t.same(found, [
    "3:5: a group needs 'loops' or 'duration'",
    "4:5: 'usres' is not a field of a group (did you mean 'users'?)",
    "5:12: users: expected a whole number from 1 to 100000, found 'many'",
    '6:15: duration: expected a duration like 500ms, 2s or 1m, found 5',
    '8:9: a step has one of command, pipeline, transaction, sequence; found none',
    "8:9: 'comand' is not a field of a step (did you mean 'command'?)",
    "9:18: unknown variable 'nobody'",
    '10:24: type: expected one of string, integer, array, nil, error',
    '11:9: a step has one of command, pipeline, transaction, sequence; found command and pipeline',
    "11:18: a quote is not closed in ''a'",
    '11:18: a command without a word',
    '12:18: percent: expected a number from 0.001 to 100, found 200',
    '15:22: transaction: no command',
    "16:5: a group needs 'name'",
    '16:12: users: expected a whole number from 1 to 100000, found 0',
    "18:12: think: expected a duration like 500ms, 2s or 1m, found 'soon'",
    "21:3: no step has the tally 'none'",
    "22:1: 'extra' is not a field of a plan",
  ]);
});

t.test('what is no YAML, or no mapping', async (t) => {
  t.match(problems('name: a\ngroups: [\n'), [/^\d+:\d+: /]);
  t.match(problems('a: 1\na: 2\n'), [/^2:1: Map keys must be unique/]);
  t.match(problems('just text')[0]!, /^1:1: a plan is a mapping, found 'just text'/);
  t.match(problems('')[0]!, /a plan is a mapping, found nothing/);
});

t.test('durations', async (t) => {
  const texts = ['250ms', '1.5s', '2m', '1h', '10us', '0', '5', '-1s', 's'];
  const wanted = [250, 1_500, 120_000, 3_600_000, 0.01, 0, undefined, undefined, undefined];
  t.same(texts.map(parseDuration), wanted);
});

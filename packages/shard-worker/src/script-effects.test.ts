import { COMMANDS, defaultEngineSettings, type Request } from '@hashlane/core';
import { Block } from '@hashlane/resp';
import t, { type Test } from 'tap';
import { RequestCount } from './request-count.ts';
import { Router } from './routing.ts';
import { ScriptBoard } from './script-board.ts';
import { ShardHost } from './shard-host.ts';

function hostOf(t: Test): ShardHost {
  const host = new ShardHost({
    index: 0,
    shards: 1,
    seed: 1,
    settings: defaultEngineSettings(),
    sink: { late() {} },
    scripts: {
      board: new ScriptBoard(1),
      requests: new RequestCount(),
      router: new Router(1, []),
      otherCommands: [],
      known: [],
      epoch: 0,
      libraries: [],
      isAlone: true,
      doors: undefined,
      learned() {},
      used() {},
      busy() {},
      publish() {},
      receivers: () => 0,
      log() {},
    },
  });
  t.teardown(() => host.stop());
  return host;
}

function wordsOf(command: number, request: Request): string {
  const words = [COMMANDS[command]!.name];
  for (let i = 1; i < request.argc; i++) words.push(request.text(i));
  return words.join(' ');
}

/** Runs a command and gives its reply. */
function run(host: ShardHost, name: string, ...args: readonly string[]): string {
  const { reply, request } = host.engine;
  request.block = Block.of(args.join(''));
  request.spans = new Int32Array(2 * args.length + 2);
  let at = 0;
  args.forEach((arg, i) => {
    request.spans.set([at, arg.length], 2 * i + 2);
    at += arg.length;
  });
  request.base = 0;
  request.argc = args.length + 1;
  request.hash = 0;
  const start = reply.position;
  host.execute(COMMANDS.findIndex((spec) => spec.name === name));
  return reply.block.bytes.latin1Slice(start, reply.position);
}

t.test('a journal learns what scripts change, and where they end', async (t) => {
  const host = hostOf(t);
  const seen: string[] = [];
  host.effects = {
    scriptChanged: (command, request) => seen.push(wordsOf(command, request)),
    scriptEnded: () => seen.push('end'),
  };
  run(host, 'SET', 'plain', '1');
  t.same(seen, [], 'not a command that is no script');
  const script = `
    redis.call('SET', KEYS[1], 7)
    redis.call('GET', KEYS[1])
    redis.call('DEL', 'missing')
    redis.pcall('LPUSH', KEYS[1], 'x')
    local key = KEYS[1]
    for i = 1, 2 do redis.call('HSET', key .. ':h', 'f', i) end
    return redis.call('RPUSH', 'list', 'a', KEYS[1])`;
  t.equal(run(host, 'EVAL', script, '1', 'k'), ':2\r\n');
  t.same(seen, ['SET k 7', 'HSET k:h f 1', 'HSET k:h f 2', 'RPUSH list a k', 'end']);

  seen.length = 0;
  run(host, 'EVAL', "redis.call('SET', 'a', 1) error('half way')", '0');
  t.same(seen, ['SET a 1', 'end'], 'what was done before an error stays done');

  seen.length = 0;
  run(host, 'EVAL', "return redis.call('GET', 'a')", '0');
  t.same(seen, ['end']);
});

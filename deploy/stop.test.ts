/**
 * How a container of the image starts and stops: the entry command of deploy/Dockerfile is run as
 * it stands, in a directory laid out like the image (image.fixture.ts), and ended as an engine
 * would end it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { launch, type ServerProcess } from '../packages/harness/src/server-process.ts';
import { waitFor } from '../packages/harness/src/wait-for.ts';
import { assembleImage, type Image } from './image.fixture.ts';

function start(image: Image, shards: number): Promise<ServerProcess> {
  const [program = '', ...words] = image.entrypoint;
  const argsFor = (port: number) => [
    ...words,
    ...['--port', String(port), '--bind', '127.0.0.1', '--shards', String(shards)],
  ];
  return launch(program, argsFor, { dir: image.data, env: image.env });
}

for (const shards of [0, 2]) {
  t.test(`SIGTERM with ${shards} shards`, async (t) => {
    using image = assembleImage();
    const server = await start(image, shards);
    t.teardown(() => server.kill());
    using writer = await server.connect();
    t.equal(await writer.call('SET', 'kept', 'value'), '+OK\r\n');
    t.equal(await writer.call('RPUSH', 'queue', 'a', 'b'), ':2\r\n');
    using blocked = await server.connect();
    blocked.send('BRPOP empty 0\r\n');
    await waitFor('a blocked client', async () =>
      / flags=b .* cmd=brpop /.test(await writer.call('CLIENT', 'LIST')),
    );

    const exited = server.stop();
    t.match(await blocked.rest(), /^-UNBLOCKED .*\r\n$/, 'the blocked client is answered');
    t.same(await exited, { code: 0, signal: null }, 'it ends with 0');
    t.ok(existsSync(join(image.data, 'dump.rdb')), 'a snapshot is in the working directory');

    const again = await start(image, shards);
    t.teardown(() => again.kill());
    using reader = await again.connect();
    t.equal(await reader.call('GET', 'kept'), '$5\r\nvalue\r\n', 'and is loaded at the next start');
    t.equal(await reader.call('LLEN', 'queue'), ':2\r\n');
    t.same(await again.stop(), { code: 0, signal: null });
  });
}

t.test('the image answers probes', async (t) => {
  using image = assembleImage();
  const server = await start(image, 0);
  t.teardown(() => server.kill());
  const [program = '', ...words] = image.entrypoint;
  const ping = (...options: string[]) => {
    const args = [...words, 'ping', '--port', String(server.port), ...options];
    return spawnSync(program, args, { cwd: image.data, env: image.env, encoding: 'utf8' });
  };
  t.match(ping('--live'), { status: 0, stderr: '' });
  t.match(ping('--ready'), { status: 0, stderr: '' });
  await server.stop();
  t.match(ping('--live'), { status: 1, stderr: /^hashlane: 127\.0\.0\.1:\d+: .*\n$/ });
});

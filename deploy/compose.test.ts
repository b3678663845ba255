/** deploy/compose.yaml, checked by reading it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { buildConfiguration, parseCommandLine } from '../packages/gateway/src/command-line.ts';
import { execForm, readDockerfile, root, textsOf } from './dockerfile.fixture.ts';

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
}

const folder = join(root, 'deploy');
const compose = parse(readFileSync(join(folder, 'compose.yaml'), 'utf8')) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const server = compose.services.hashlane!;
const final = readDockerfile().stages.at(-1);

t.test('the server is built from the Dockerfile', async (t) => {
  const { context, dockerfile } = server.build!;
  t.ok(existsSync(join(folder, context, dockerfile)));
  t.ok(existsSync(join(folder, context, `${dockerfile}.dockerignore`)));
});

t.test("the command is one of hashlane's", async (t) => {
  const command = parseCommandLine(server.command!, {});
  t.equal(command.name, 'serve');
  if (command.name !== 'serve') return;
  t.ok(buildConfiguration(command.serve, {}).values.save.length > 0, 'snapshots are written');
});

t.test('the health check waits for a server that is ready', async (t) => {
  const [form, program, ...words] = server.healthcheck!.test;
  t.equal(form, 'CMD');
  t.equal(program, execForm(textsOf(final, 'ENTRYPOINT').at(-1))[0]);
  t.match(parseCommandLine(words, {}), { name: 'ping', ping: { probe: 'ready', port: 6379 } });
});

t.test('data is on a volume and the rest is read-only', async (t) => {
  for (const volume of server.volumes!) {
    const [name = '', target] = volume.split(':');
    t.ok(name in compose.volumes, `volume ${name} is declared`);
    t.same(textsOf(final, 'VOLUME'), [target]);
  }
  t.equal(server.read_only, true);
  t.equal(server.stop_grace_period, '2m');
});

t.test('ports are published to this machine only', async (t) => {
  for (const [name, { ports = [] }] of Object.entries(compose.services)) {
    for (const port of ports) t.match(port, /^127\.0\.0\.1:/, name);
  }
});

t.test('redis-commander starts when the server is ready, and knows its password', async (t) => {
  const gui = compose.services['redis-commander']!;
  t.same(gui.depends_on, { hashlane: { condition: 'service_healthy' } });
  t.match(gui.environment, { REDIS_HOST: 'hashlane', REDIS_PORT: '6379' });
  t.equal(gui.environment!.REDIS_PASSWORD, server.environment!.HASHLANE_REQUIREPASS);
});

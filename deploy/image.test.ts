/** deploy/Dockerfile, checked by reading it. stop.test.ts runs what would be in the image. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseCommandLine } from '../packages/gateway/src/command-line.ts';
import {
  contextFiles,
  copyFromContext,
  execForm,
  readDockerfile,
  root,
  textsOf,
} from './dockerfile.fixture.ts';

interface Manifest {
  readonly name: string;
  readonly config?: { readonly node: string };
  readonly dependencies?: Readonly<Record<string, string>>;
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
}

const { args, stages } = readDockerfile();
const [build, final] = [stages[0], stages.at(-1)];
const copies = textsOf(build, 'COPY').flatMap((text) => copyFromContext(text)?.sources ?? []);

t.test('both stages run the version of Node that the npm scripts bring', async (t) => {
  t.equal(args.get('NODE_VERSION'), manifestOf('.').config?.node);
  t.same(
    stages.map(({ from }) => from),
    [0, 1].map(() => `node:${manifestOf('.').config?.node}-slim`),
  );
});

t.test('what is copied exists and is in the build context', async (t) => {
  const files = contextFiles();
  for (const source of copies) {
    t.ok(existsSync(join(root, source)), `${source} exists`);
    const isThere = files.some((file) => file === source || file.startsWith(`${source}/`));
    t.ok(isThere, `${source} is not ignored`);
  }
  const copied = textsOf(final, 'COPY');
  t.same(copied, ['--from=build --chown=root:root /app /app'], 'the rest comes from the build');
  t.equal(build?.alias, 'build');
});

t.test('the build context holds no tests, no harness, nothing built or installed', async (t) => {
  const strange = contextFiles().filter((file) =>
    /\.(test|fuzz|bench|fixture)\.ts$|node_modules|\/dist\/|harness|\/testing\//.test(file),
  );
  t.same(strange, []);
});

t.test('the manifests copied before installing are those of the server', async (t) => {
  const needed = new Set(['gateway']);
  for (const name of needed) {
    for (const [dependency, version] of Object.entries(
      manifestOf(`packages/${name}`).dependencies ?? {},
    )) {
      if (version.startsWith('workspace:')) needed.add(dependency.replace('@hashlane/', ''));
    }
  }
  const copied = copies
    .filter((source) => /^packages\/.*package\.json$/.test(source))
    .map((source) => source.split('/')[1]);
  t.same(copied.sort(), [...needed].sort());
});

t.test('it installs from the lock file, without development dependencies', async (t) => {
  const install = textsOf(build, 'RUN').find((text) => text.includes('pnpm install'));
  t.match(install, /--frozen-lockfile/);
  t.match(install, /--prod/);
});

t.test('it runs as another user than root, known by number', async (t) => {
  const [user = '', group = ''] = (textsOf(final, 'USER').at(-1) ?? '').split(':');
  t.match(user, /^[1-9][0-9]*$/);
  t.match(group, /^[1-9][0-9]*$/);
});

t.test('signals reach the server: exec form, no shell', async (t) => {
  const [entry = ''] = execForm(textsOf(final, 'ENTRYPOINT').at(-1));
  const links = [
    ...(/ln -s \/app\/(\S+) \/usr\/local\/bin\/(\S+)/.exec(
      final === undefined ? '' : textsOf(final, 'RUN').join(' '),
    ) ?? []),
  ];
  t.equal(links[2], entry, 'the entry is on the PATH');
  const file = join(root, links[1] ?? '');
  t.match(readFileSync(file, 'utf8'), /^#!\/usr\/bin\/env node\n/, 'and Node runs it');
  t.ok((statSync(file).mode & 0o111) !== 0, 'and it is executable');
  t.same(textsOf(final, 'STOPSIGNAL'), ['SIGTERM']);
});

t.test('the health check is a command line of hashlane', async (t) => {
  const [, command] =
    /^(?:--\S+\s+)*CMD (.*)$/.exec(textsOf(final, 'HEALTHCHECK').at(-1) ?? '') ?? [];
  const [program, ...words] = execForm(command);
  t.equal(program, execForm(textsOf(final, 'ENTRYPOINT').at(-1))[0]);
  t.match(parseCommandLine(words, {}), { name: 'ping', ping: { probe: 'live', timeoutMs: 3000 } });
});

t.test('the volume is the working directory, where snapshots go', async (t) => {
  t.same(textsOf(final, 'VOLUME'), ['/data']);
  t.same(textsOf(final, 'WORKDIR'), ['/data']);
});

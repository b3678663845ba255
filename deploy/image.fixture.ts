/**
 * The image without a container engine: what deploy/Dockerfile would put into it, laid out in a
 * temporary directory, with nothing beside it.
 *
 *   <dir>/app/packages/…            the files that COPY would copy from the build context
 *   <dir>/app/packages/x/node_modules   links to production dependencies only
 *   <dir>/usr/local/bin/hashlane    the link that RUN ln -s makes
 *   <dir>/data                      the volume
 *
 * So a server started from here fails when the image would lack a file or a dependency, and the
 * entry command is the image's own, word by word.
 */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import {
  contextFiles,
  copyFromContext,
  execForm,
  readDockerfile,
  root,
  type Stage,
  textsOf,
} from './dockerfile.fixture.ts';

const LINK = /ln -s (\/app\/\S+) (\/usr\/local\/bin\/\S+)/;

export interface Image extends Disposable {
  readonly dir: string;
  /** The working directory and volume. */
  readonly data: string;
  readonly entrypoint: readonly string[];
  /** PATH and what ENV sets. */
  readonly env: Readonly<Record<string, string>>;
}

export function assembleImage(): Image {
  const { stages } = readDockerfile();
  const [build, final] = [stages[0], stages.at(-1)];
  const dir = mkdtempSync(join(tmpdir(), 'hashlane-image-'));
  copyContext(build, join(dir, 'app'));
  for (const text of textsOf(build, 'COPY')) {
    const [source = ''] = copyFromContext(text)?.sources ?? [];
    if (basename(source) === 'package.json' && source !== 'package.json') {
      linkDependencies(join(dir, 'app'), dirname(source));
    }
  }
  linkExecutable(final, dir);
  const data = join(dir, 'data');
  mkdirSync(data);
  return {
    dir,
    data,
    entrypoint: execForm(textsOf(final, 'ENTRYPOINT').at(-1)),
    env: environmentOf(final, dir),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function copyContext(stage: Stage | undefined, app: string): void {
  const files = contextFiles();
  for (const text of textsOf(stage, 'COPY')) {
    for (const source of copyFromContext(text)?.sources ?? []) {
      for (const file of files) {
        if (file !== source && !file.startsWith(`${source}/`)) continue;
        cpSync(join(root, file), join(app, file));
      }
    }
  }
}

/** What `pnpm install --prod` makes of a package, with the packages of the image linked. */
function linkDependencies(app: string, folder: string): void {
  const manifest = JSON.parse(readFileSync(join(app, folder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  for (const [name, version] of Object.entries(manifest.dependencies ?? {})) {
    const link = join(app, folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    const isOurs = version.startsWith('workspace:');
    const target = isOurs ? join(app, 'packages', basename(name)) : installed(folder, name);
    symlinkSync(target, link);
  }
}

function installed(folder: string, name: string): string {
  return join(root, folder, 'node_modules', name);
}

function linkExecutable(stage: Stage | undefined, dir: string): void {
  const [, target, link] = LINK.exec(textsOf(stage, 'RUN').join(' ')) ?? [];
  if (target === undefined || link === undefined) throw new Error('no executable is linked');
  mkdirSync(dirname(join(dir, link)), { recursive: true });
  symlinkSync(join(dir, target), join(dir, link));
  chmodSync(join(dir, target), 0o755);
}

function environmentOf(stage: Stage | undefined, dir: string): Record<string, string> {
  const node = dirname(process.execPath);
  const env: Record<string, string> = { PATH: join(dir, 'usr/local/bin') + delimiter + node };
  for (const text of textsOf(stage, 'ENV')) {
    const [name = '', value = ''] = text.split('=');
    env[name] = value;
  }
  return env;
}

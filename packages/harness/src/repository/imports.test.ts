/**
 * The shape of the repository, checked by reading it: who imports whom, who may use threads, and
 * what lies at the top level.
 *
 * The table below is the one of docs/ARCHITECTURE.md. A module may import what its package's row
 * names and, from npm, what its package.json names. Test files (`.test.ts`, `.fuzz.ts`, `.bench.ts`,
 * `.fixture.ts`, folders called testing) may reach further down, to everything below their package, but never up or sideways, so that the
 * harness, which starts whole servers, is used by tests of its own package only.
 *
 * The files are read line by line, not parsed: biome puts an import's source and a comment's start
 * where the patterns look for them. Text in a string that looks like an import would be taken for
 * one; that has not been worth a parser.
 *
 * Cost: one read of each source file.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

/** What each package may import, by the name in the import; package names of ours only. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  resp: [],
  core: ['@hashlane/resp'],
  rdb: ['@hashlane/core'],
  lua: ['@hashlane/core', '@hashlane/resp'],
  scripting: ['@hashlane/core', '@hashlane/lua', '@hashlane/resp'],
  'shard-worker': [
    '@hashlane/core',
    '@hashlane/core/metadata',
    '@hashlane/lua',
    '@hashlane/rdb',
    '@hashlane/resp',
    '@hashlane/scripting',
  ],
  gateway: ['@hashlane/core/metadata', '@hashlane/resp', '@hashlane/shard-worker'],
  harness: [
    '@hashlane/core',
    '@hashlane/core/metadata',
    '@hashlane/rdb',
    '@hashlane/resp',
    '@hashlane/shard-worker',
    'hashlane',
  ],
  simulation: [
    '@hashlane/core',
    '@hashlane/core/metadata',
    '@hashlane/harness/tools',
    '@hashlane/rdb',
    '@hashlane/resp',
    '@hashlane/shard-worker',
    '@hashlane/shard-worker/parts',
    'hashlane',
    'hashlane/parts',
  ],
};

/** What only some packages may use, each with the reason that a failure should tell. */
const RESERVED = [
  {
    what: 'threads',
    pattern:
      /\b(MessagePort|MessageChannel|Atomics)\b|\bnew Worker\b|['"]((node:)?worker_threads|piscina)['"]/,
    packages: ['shard-worker', 'harness', 'simulation'],
    why: 'crossing threads is the business of shard-worker',
  },
  {
    what: 'clock, randomness, timers or sockets',
    pattern:
      /\b(Date\.now|new Date|Math\.random|performance\.now|process\.hrtime|set(Timeout|Interval|Immediate))\b|['"]node:(net|tls|http|timers)(\/promises)?['"]/,
    packages: ['shard-worker', 'gateway', 'harness', 'simulation'],
    why: 'time and seeds come in as parameters, so that everything replays',
  },
  {
    what: 'files',
    pattern: /['"]node:fs(\/promises)?['"]/,
    packages: ['rdb', 'shard-worker', 'gateway', 'harness'],
    why: 'what computes does not read or write files',
  },
] as const;

const TOP_LEVEL = new Set([
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'benchmarks',
  'deploy',
  'docs',
  'package.json',
  'packages',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'tsconfig.json',
]);

const IMPORT =
  /(?<![.\w])(?:from|import\s*\(?)\s*['"]([@.\w][^'"\s]*)['"]|\bimport\.meta\.resolve\(\s*['"]([^'"]+)['"]/g;
const TEST_FILE = /\.(test|fuzz|bench|fixture)\.ts$|(^|\/)testing\//;
const root = join(import.meta.dirname, '..', '..', '..', '..');

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface Source {
  readonly path: string;
  readonly owner: string;
  readonly isTest: boolean;
  /** Without comments. */
  readonly code: string;
}

const packages = readdirSync(join(root, 'packages')).filter((name) =>
  existsSync(join(root, 'packages', name, 'package.json')),
);
const manifests = new Map<string, Manifest>(packages.map((name) => [name, readManifest(name)]));
const folderOf = new Map([...manifests].map(([folder, { name }]) => [name, folder]));
const sources = packages.flatMap(readSources);

function readManifest(name: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
}

function readSources(owner: string): Source[] {
  const folder = join(root, 'packages', owner, 'src');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({
      path: `packages/${owner}/src/${path}`,
      owner,
      isTest: TEST_FILE.test(path),
      code: withoutComments(readFileSync(join(folder, path), 'utf8')),
    }));
}

function withoutComments(text: string): string {
  return text
    .replaceAll(/^\s*\/\*.*?\*\//gms, '')
    .split('\n')
    .map((line) => line.replace(/(^|\s)\/\/.*$/, ''))
    .join('\n');
}

function importsOf(source: Source): string[] {
  return [...source.code.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '');
}

/** `@hashlane/core/metadata` → `core`; undefined for what is not ours. */
function targetOf(specifier: string): string | undefined {
  const name = specifier.startsWith('@')
    ? specifier.split('/').slice(0, 2).join('/')
    : specifier.split('/')[0];
  return folderOf.get(name ?? '');
}

/** Every package that `owner` can reach by allowed imports, itself left out. */
function below(owner: string): Set<string> {
  const reached = new Set<string>();
  const open = [owner];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const specifier of ALLOWED[name] ?? []) {
      const target = targetOf(specifier);
      if (target !== undefined && !reached.has(target)) {
        reached.add(target);
        open.push(target);
      }
    }
  }
  return reached;
}

function isAllowed(source: Source, specifier: string): boolean {
  const target = targetOf(specifier);
  if (target === undefined) return true;
  if (ALLOWED[source.owner]?.includes(specifier)) return true;
  return source.isTest && below(source.owner).has(target);
}

t.test('every package has a row in the table of allowed imports', async (t) => {
  for (const name of packages) t.ok(name in ALLOWED, `packages/${name}`);
});

t.test('imports between packages keep to the allowed direction', async (t) => {
  t.ok(sources.length > 0, 'there are sources to read');
  const forbidden = sources.flatMap((source) =>
    importsOf(source)
      .filter((specifier) => !isAllowed(source, specifier))
      .map((specifier) => `${source.path} imports ${specifier}`),
  );
  t.same(forbidden, [], 'no forbidden import');
});

t.test('no package reaches into another one by a path', async (t) => {
  const reaching = sources.flatMap((source) => {
    const depth = source.path.split('/').length - 4;
    return importsOf(source)
      .filter((specifier) => specifier.startsWith('../'.repeat(depth + 1)))
      .map((specifier) => `${source.path} imports ${specifier}`);
  });
  t.same(reaching, [], 'relative imports stay inside src');
});

t.test('a package names what its modules import', async (t) => {
  const unnamed = sources
    .filter(({ isTest, owner }) => !isTest && owner !== 'harness')
    .flatMap((source) => {
      const named = Object.keys(manifests.get(source.owner)?.dependencies ?? {});
      return importsOf(source)
        .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
        .filter((name) => !named.some((known) => name === known || name.startsWith(`${known}/`)))
        .map((specifier) => `${source.path} imports ${specifier}`);
    });
  t.same(unnamed, [], 'every import is in dependencies of package.json');
});

t.test('package.json files keep to the allowed direction, without a cycle', async (t) => {
  for (const [owner, { dependencies = {} }] of manifests) {
    const reachable = below(owner);
    t.notOk(reachable.has(owner), `${owner} does not depend on itself through others`);
    for (const dependency of Object.keys(dependencies)) {
      const target = targetOf(dependency);
      if (target !== undefined) t.ok(reachable.has(target), `${owner} may depend on ${dependency}`);
    }
  }
});

t.test('threads, clock and sockets stay where they belong', async (t) => {
  for (const { what, pattern, packages: owners, why } of RESERVED) {
    const offending = sources
      .filter(({ isTest, owner }) => !isTest && !owners.some((name) => name === owner))
      .flatMap(({ path, code }) => {
        const match = pattern.exec(code);
        return match ? [`${path} has ${match[0]}`] : [];
      });
    t.same(offending, [], `${what} outside ${owners.join(', ')}: ${why}`);
  }
});

t.test('the top level holds what the README names and nothing else', async (t) => {
  const ignored = /^(\.|node_modules$|dist$)|\.(rdb|log|tmp|cpuprofile|heapprofile)$/;
  const strangers = readdirSync(root).filter((name) => !ignored.test(name) && !TOP_LEVEL.has(name));
  t.same(strangers, [], 'no stranger at the top level');
});

t.test('no committed file of the package manager names a registry host', async (t) => {
  for (const name of ['pnpm-lock.yaml', '.npmrc', 'pnpm-workspace.yaml']) {
    const path = join(root, name);
    if (existsSync(path)) t.notMatch(readFileSync(path, 'utf8'), /https?:\/\//, name);
  }
});

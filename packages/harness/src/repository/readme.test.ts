/**
 * README.md and docs/, held to the repository: the example runs, what links name is there, and
 * every file that the map of docs/ARCHITECTURE.md names exists.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { startServer } from '../server-process.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const harness = join(root, 'packages/harness');
const documents = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The example of a queue, for a server on another port. */
function queueExample(port: number): string {
  const [, code] = /<!-- queue:begin -->\n```js\n(.*?)```/s.exec(read('README.md')) ?? [];
  if (code === undefined) throw new Error('README.md has no example between its markers');
  return code.replaceAll('6379', String(port));
}

t.test('the queue of the README runs, and works off both jobs', async (t) => {
  await using server = await startServer({ shards: 1 });
  const args = ['--input-type=module', '--eval', queueExample(server.port)];
  // An evaluated module finds ioredis from its working directory.
  const child = spawn(process.execPath, args, {
    cwd: harness,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  t.equal(code, 0);
  t.equal(output, 'working on resize 1.jpg\nworking on resize 2.jpg\n');
});

/** What an example writes, run from a file beside the sources: it finds packages as they do. */
async function outputOf(t: Test, code: string): Promise<string> {
  const file = join(harness, 'src', `example-${process.pid}.tmp.mjs`);
  writeFileSync(file, code);
  t.teardown(() => rmSync(file));
  const child = spawn(process.execPath, ['--test-reporter=tap', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  t.equal(exitCode, 0);
  return output;
}

t.test('the test of the README runs and passes', async (t) => {
  const [, code = ''] = /<!-- harness:begin -->\n```js\n(.*?)```/s.exec(read('README.md')) ?? [];
  t.match(await outputOf(t, code), /^ok 1 - counts visits$/m);
});

t.test('the example with BullMQ runs', async (t) => {
  const [, code = ''] = /## In tests\n\n```js\n(.*?)```/s.exec(read('docs/bullmq.md')) ?? [];
  t.equal(await outputOf(t, code), '8\n');
});

t.test('the example is short', async (t) => {
  const lines = queueExample(1)
    .split('\n')
    .filter((line) => line.trim() !== '');
  t.ok(lines.length <= 10, `${lines.length} lines`);
});

t.test('links to files lead somewhere', async (t) => {
  for (const document of documents) {
    for (const [, target = ''] of read(document).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^https?:/.test(target)) continue;
      // Made by a whole run of the benchmarks, which a fresh copy has not had.
      if (target.startsWith('benchmarks/results/')) continue;
      t.ok(existsSync(join(root, dirname(document), target)), `${document}: ${target}`);
    }
  }
});

t.test('files that the map names exist', async (t) => {
  const [, map = ''] = read('docs/ARCHITECTURE.md').split('## To change X, open Y');
  const [rows = ''] = map.split('\n## ');
  const files = [...rows.matchAll(/`((?:[\w-]+\/)+[\w.-]*)`/g)].map(([, path = '']) => path);
  t.ok(files.length > 20, 'the map was read');
  for (const file of files) {
    const isThere = existsSync(join(root, file)) || existsSync(join(root, 'packages', file));
    t.ok(isThere, file);
  }
});

t.test('npm scripts that documents name exist', async (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  for (const document of documents) {
    for (const [, name = ''] of read(document).matchAll(/npm run ([\w-]+)/g)) {
      t.ok(name in scripts, `${document}: npm run ${name}`);
    }
  }
});

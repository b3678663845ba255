// Runs the tests with tap: all of them, or the files, folders and tap options given as arguments.
//
// tap is a class generated from its list of plugins, and .taprc leaves out two: the TypeScript
// plugin (Node strips types itself) and the mock plugin (a module loader in every process). So a
// fresh install has to be generated once with `tap build`, about five seconds and no network. What
// is on disk decides whether that is due, not a stamp: an install may put the original back.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LEFT_OUT = ['@tapjs/typescript', '@tapjs/mock'];
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tapPackage = createRequire(join(root, 'package.json')).resolve('tap/package.json');
const tap = join(dirname(tapPackage), JSON.parse(readFileSync(tapPackage, 'utf8')).bin.tap);

function isBuilt() {
  const test = dirname(createRequire(tapPackage).resolve('@tapjs/test/package.json'));
  const built = readFileSync(join(test, 'test-built/dist/esm/index.js'), 'utf8');
  const link = join(test, 'test-built/node_modules/@tapjs/core/package.json');
  return existsSync(link) && !LEFT_OUT.some((plugin) => built.includes(`"${plugin}"`));
}

function runTap(args, stdio) {
  return spawnSync(process.execPath, [tap, ...args], { cwd: root, stdio }).status ?? 1;
}

function testsUnder(folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .filter((path) => path.endsWith('.test.ts') && !path.includes('node_modules'))
    .map((path) => join(folder, path));
}

if (!isBuilt() && runTap(['build'], ['ignore', 2, 2]) !== 0) {
  console.error('hashlane: `tap build` failed, see above');
  process.exit(1);
}
const args = process.argv
  .slice(2)
  .flatMap((arg) =>
    statSync(arg, { throwIfNoEntry: false })?.isDirectory() ? testsUnder(arg) : arg,
  );
process.exit(runTap(['run', ...args], 'inherit'));

// Runs the tests with tap: all of them, or the files, folders and tap options given as arguments.
//
// tap is a class generated from its list of plugins, and .taprc leaves out two: the TypeScript
// plugin (Node strips types itself) and the mock plugin (a module loader in every process). So a
// fresh install has to be generated once with `tap build`, about five seconds and no network. What
// is on disk decides whether that is due, not a stamp: an install may put the original back.
//
// What failed is said again at the end: a CI's page often shows the last lines only.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FAILURES_MAX = 20;
const FAILURE_LINES_MAX = 60;
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

/**
 * The innermost failures of a TAP stream, each with the file it is of and its diagnostics.
 *
 * A test's `not ok` comes after those of its subtests, with less indentation, so one that follows
 * a deeper one only repeats it.
 */
function failuresOf(tap) {
  const failures = [];
  const lines = tap.split('\n');
  let file = '';
  let deepest = 0;
  for (let at = 0; at < lines.length; at++) {
    const indent = lines[at].search(/\S/);
    if (lines[at].startsWith('# Subtest: ')) {
      file = lines[at].slice('# Subtest: '.length);
      deepest = 0;
    } else if (/^ *not ok .*(?<!# (SKIP|TODO)\b.*)$/i.test(lines[at])) {
      if (indent >= deepest) {
        let end = at + 1;
        if (lines[end]?.trim() === '---') {
          while (end < lines.length && lines[end] !== `${' '.repeat(indent + 2)}...`) end++;
          end++;
        }
        const shown = lines.slice(at, Math.min(end, at + FAILURE_LINES_MAX));
        failures.push([file, ...shown.map((line) => line.slice(indent))].join('\n'));
      }
      deepest = indent;
    }
  }
  return failures;
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
const folder = mkdtempSync(join(tmpdir(), 'hashlane-tests-'));
const record = join(folder, 'all.tap');
let code;
try {
  code = runTap(['run', `--output-file=${record}`, ...args], 'inherit');
  const failures = code !== 0 && existsSync(record) ? failuresOf(readFileSync(record, 'utf8')) : [];
  for (const failure of failures.slice(0, FAILURES_MAX)) console.log(`\nFAILED ${failure}`);
  if (failures.length > FAILURES_MAX) {
    console.log(`\nand ${failures.length - FAILURES_MAX} more failures above`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = code;

// The bootstrap behind every npm script: brings a runtime, installs what is missing, runs one thing.
//
//   node .scripts/run.mjs <script> [arguments]        a .ts or .mjs file of this repository
//   node .scripts/run.mjs --bin <name> [arguments]    an executable of a dependency
//
// It is plain JavaScript without dependencies, because it runs before anything is installed, on
// whatever Node (>= 20) the machine has.
//
// 1. Runtime. A running Node >= 24 strips types itself and is used as it is. On an older one, Node
//    (the version in package.json, `config`) comes from the npm registry through npx. Where npx put it is
//    remembered in node_modules/.cache/hashlane/node, so that a later start does not pay for npx;
//    npx's folder may be cleaned at any time, so the path is checked before it is believed.
// 2. Dependencies. pnpm (also in `config`) installs the lock file as it is, and only
//    when the hash of the lock file differs from that of the last complete install.
// 3. The thing itself runs with this process's stdio. Signals are passed on, and its exit code, or
//    the signal that ended it, becomes ours.
//
// Cost of a start with everything in place: one Node process, two small reads, no network.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { config } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const cache = join(root, 'node_modules', '.cache', 'hashlane');

function main(argv) {
  const node = findNode();
  const env = {
    ...process.env,
    PATH: [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
  };
  install(env);
  run(node, argv, env);
}

function read(path) {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function fail(line) {
  console.error(`hashlane: ${line}`);
  process.exit(1);
}

function remember(name, value) {
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, name), `${value}\n`);
}

// npx answers with status null when it could not be started at all.
function npx(packages, command, options) {
  const wanted = packages.flatMap((name) => ['-p', name]);
  return spawnSync('npx', ['-y', ...wanted, '--', ...command], { cwd: root, ...options });
}

function findNode() {
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) return process.execPath;
  const version = config.node;
  const [cachedVersion, cachedPath] = read(join(cache, 'node')).split('\n');
  if (cachedVersion === version && existsSync(cachedPath)) return cachedPath;
  console.error(`hashlane: Node ${process.versions.node} is too old, fetching ${version} with npx`);
  const found = npx([`node@${version}`], ['node', '-p', 'process.execPath'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const path = found.stdout?.trim().split('\n').at(-1) ?? '';
  if (found.status !== 0 || !existsSync(path)) {
    fail(`could not fetch Node ${version} with npx; install Node >= ${NODE_MAJOR_MIN} by hand`);
  }
  // node_modules may not be there yet: pnpm keeps node_modules/.cache when it installs.
  remember('node', `${version}\n${path}`);
  return path;
}

function install(env) {
  const lock = readFileSync(join(root, 'pnpm-lock.yaml'));
  const hash = createHash('sha256').update(lock).digest('hex');
  const isComplete = existsSync(join(root, 'node_modules', '.modules.yaml'));
  if (isComplete && read(join(cache, 'installed')) === hash) return;
  const pnpm = `pnpm@${config.pnpm}`;
  console.error(`hashlane: installing dependencies with ${pnpm}`);
  // Standard output belongs to what runs afterwards.
  const done = npx([pnpm], ['pnpm', 'install', '--frozen-lockfile'], {
    env,
    stdio: ['ignore', 2, 2],
  });
  if (done.status !== 0) fail('could not install dependencies, see above');
  remember('installed', hash);
}

function run(node, argv, env) {
  // `npm run x -- flags` drops the dashes, `pnpm run x -- flags` passes them on.
  const [first = '', ...rest] = argv;
  const isBin = first === '--bin';
  const script = isBin ? join(root, 'node_modules', '.bin', rest.shift() ?? '') : join(root, first);
  if (rest[0] === '--') rest.shift();
  if (!existsSync(script)) fail(`nothing to run at ${script}`);
  const [command, args] = isBin ? [script, rest] : [node, [script, ...rest]];
  const child = spawn(command, args, { cwd: root, env, stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
    process.on(signal, () => {
      // Ctrl-C reaches the whole foreground group: the child has it already, and a server takes a
      // second SIGINT as the wish to stop without saving.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => fail(`could not start ${command}: ${error.message}`));
  child.on('exit', (code, signal) => {
    process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
  });
}

main(process.argv.slice(2));

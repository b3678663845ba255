// Makes packages/<name>/dist, which is what a published package holds; nothing here needs it.
//
// One run of the compiler emits all packages at once, because a package sees the sources of the
// others, and a program has one root. What it emits below <package>/src then becomes that package's
// dist. The compiler turns './x.ts' into './x.js' in the imports of a module, not in those of its
// declarations, and not in `new URL('./x.ts', import.meta.url)`, which is how a thread names its
// entry file; both are done here.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ENTRY_URL = /(new URL\(\s*['"]\.[^'"]*)\.ts(['"],\s*import\.meta\.url)/g;
const DECLARED = /((?:from|import)\s*\(?\s*['"]\.[^'"]*)\.ts(['"])/g;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const emitted = join(root, 'node_modules', '.cache', 'hashlane', 'build');

function compile() {
  rmSync(emitted, { recursive: true, force: true });
  const config = join(root, '.scripts', 'tsconfig.build.json');
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const { status } = spawnSync(tsc, ['--project', config], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

function pack(name) {
  const source = join(emitted, name, 'src');
  if (!existsSync(source)) return;
  const dist = join(root, 'packages', name, 'dist');
  rmSync(dist, { recursive: true, force: true });
  cpSync(source, dist, { recursive: true });
  for (const path of readdirSync(dist, { recursive: true })) {
    if (!/\.[jt]s$/.test(path)) continue;
    const file = join(dist, path);
    const text = readFileSync(file, 'utf8');
    const pattern = path.endsWith('.d.ts') ? DECLARED : ENTRY_URL;
    writeFileSync(file, text.replaceAll(pattern, '$1.js$2'));
    if (text.startsWith('#!')) chmodSync(file, 0o755);
  }
  console.log(`packages/${name}/dist`);
}

compile();
for (const name of readdirSync(join(root, 'packages'))) pack(name);

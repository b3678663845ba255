#!/usr/bin/env node
/**
 * The executable: `hashlane`. Turns on Node's compile cache, then hands over to main.ts.
 *
 * The cache keeps what Node makes of TypeScript and of parsed code: starting from sources takes a
 * third of the CPU time with it, which health probes pay every few seconds. It must be on before
 * anything else is imported, hence a file of its own. It lies in the package's own node_modules
 * and not in the common temporary directory, where others could put code for us to run; where it
 * cannot be written, Node goes without. Worker threads find it by the environment.
 */

import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
  new URL('../node_modules/.cache/compile', import.meta.url),
);
enableCompileCache(process.env.NODE_COMPILE_CACHE);

const { main } = await import('./main.ts');
await main();

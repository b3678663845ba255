/** Versions that the server tells of itself. */
import { readFileSync } from 'node:fs';

/** The Redis whose behaviour we follow; clients decide by it what they may send. */
export const REDIS_VERSION = '7.4.0';

const manifest = new URL('../package.json', import.meta.url);
/** Our own version, from the package. */
export const HASHLANE_VERSION = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string })
  .version;

/** Versions that the server tells of itself. */
import { readFileSync } from 'node:fs';

export { REDIS_VERSION } from '@hashlane/core/metadata';

const manifest = new URL('../package.json', import.meta.url);
/** Our own version, from the package. */
export const HASHLANE_VERSION = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string })
  .version;

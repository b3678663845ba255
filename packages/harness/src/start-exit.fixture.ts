/**
 * Run by start.test.ts: starts servers of every kind, uses and stops them, and prints what would
 * keep the process alive. It ends by itself, or the test that waits for it fails.
 */
import { type StartOptions, start } from './index.ts';
import { waitFor } from './wait-for.ts';

/** Its own standard output and error are handles too: they are opened before the first look. */
const ownStreams = [process.stdout, process.stderr];
const before = process.getActiveResourcesInfo();

const KINDS: readonly StartOptions[] = [{}, { shards: 2 }, { process: true }];
const servers = await Promise.all(KINDS.map((options) => start(options)));
for (const server of servers) {
  const client = server.client();
  await client.set('key', 'value');
  // A client that is waiting when the server stops must not hold it up.
  client.blpop('nothing', 0).catch(() => undefined);
  await server.client().ping();
}
await Promise.all(servers.map((server) => server.stop()));
// The handle of a process that has ended is freed a few turns of the loop later.
const isAsBefore = (now: readonly string[]) => now.length === before.length;
await waitFor('the handles', () => process.getActiveResourcesInfo(), isAsBefore);
const after = process.getActiveResourcesInfo();
ownStreams[0]?.write(JSON.stringify({ before, after }));

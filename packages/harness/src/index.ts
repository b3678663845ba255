/**
 * A real server in a test, for users of hashlane:
 * `await using server = await start({ shards: 2 })`.
 *
 * What the tests of this repository need besides (redis-server as an oracle, raw clients, random
 * programs) is in tools.ts and is not published.
 */

export { type StartOptions, start, type TestServer } from './start.ts';

/** Servers, clients and waiting, for the tests of this repository; not published. */

export { type Argument, RawClient, request } from './raw-client.ts';
export { parseReply, ReplyError, type ReplyValue, replyEnd } from './raw-reply.ts';
export { oracleMissing, startOracle, testUnlessMissing, toolMissing } from './redis-oracle.ts';
export { SeededRandom } from './seeded-random.ts';
export {
  type Exit,
  freePort,
  runCommandLine,
  type ServerOptions,
  type ServerProcess,
  startServer,
} from './server-process.ts';
export { waitFor } from './wait-for.ts';

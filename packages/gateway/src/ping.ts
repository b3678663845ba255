/**
 * `hashlane ping`: one PING over a fresh connection, for the health probes of container engines.
 * Knows just enough RESP to read the first line of a reply; it must start fast and hang never.
 */

import { connect } from 'node:net';
import type { PingOptions } from './command-line.ts';

/** Undefined when the server is alive (or ready), else why not, in one line. */
export async function pingServer(options: PingOptions): Promise<string | undefined> {
  const { host, port, probe } = options;
  try {
    const reply = await askServer(options);
    if (probe === 'live' || isReady(reply)) return undefined;
    return `${host}:${port} answered ${reply}`;
  } catch (error) {
    return `${host}:${port}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** A server that asks for a password serves those who have it. */
function isReady(reply: string): boolean {
  return reply === '+PONG' || reply.startsWith('-NOAUTH');
}

/** The first line of the reply to PING. */
async function askServer({ host, port, timeoutMs }: PingOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host, port }, () => socket.write('*1\r\n$4\r\nPING\r\n'));
  const deadline = setTimeout(
    () => reject(new Error(`no answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  let received = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    received += chunk;
    const end = received.indexOf('\r\n');
    if (end !== -1) resolve(received.slice(0, end));
  });
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('the server closed the connection')));
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    socket.destroy();
  }
}

// A value of 512 MB, the largest there is, in by SET and out by GET, checked by hash.
//
// The bytes are random and made before the clock starts; the answer is copied into one buffer and
// hashed after the clock stopped, so the times are those of the transfer.

import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { RunningServer } from './contenders.ts';
import { connectClient, withClient } from './resp-client.ts';
import type { Sample } from './results.ts';
import { measureFresh, type Suite } from './suite.ts';

const VALUE_BYTES = 512 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const TIMEOUT_MS = 120_000;

export const bigValue: Suite = {
  name: 'big value',
  about: 'a value of 512 MB in and out, checked by hash',
  run: async (context) => {
    if (context.quick) return;
    const test = { suite: 'big value', test: 'value 512MB', rounds: 1 };
    await measureFresh(context, test, measure);
  },
};

async function measure(server: RunningServer): Promise<Sample['values']> {
  const value = Buffer.allocUnsafe(VALUE_BYTES);
  for (let at = 0; at < VALUE_BYTES; at += CHUNK_BYTES) randomFillSync(value, at, CHUNK_BYTES);
  const sentAt = performance.now();
  await withClient(server.port, async (client) => {
    const head = `*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${VALUE_BYTES}\r\n`;
    const stored = client.requestBytes(Buffer.from(head));
    stored.catch(() => {});
    await writeAll(client.socket, value);
    client.socket.write('\r\n');
    if ((await stored) !== 'OK') throw new Error('SET did not answer OK');
  });
  const storedAt = performance.now();
  const { bytes, inAt } = await readBig(server.port);
  const isSame = digest(bytes) === digest(value);
  if (!isSame) throw new Error('the value came back changed');
  return { inMs: storedAt - sentAt, outMs: inAt - storedAt, correct: 1 };
}

async function writeAll(socket: Socket, value: Buffer): Promise<void> {
  for (let at = 0; at < value.length; at += CHUNK_BYTES) {
    const isRoom = socket.write(value.subarray(at, at + CHUNK_BYTES));
    if (!isRoom) await once(socket, 'drain', { signal: AbortSignal.timeout(TIMEOUT_MS) });
  }
}

async function readBig(port: number): Promise<{ bytes: Buffer; inAt: number }> {
  const { socket } = await connectClient(port);
  socket.removeAllListeners('data');
  const head = Buffer.from(`$${VALUE_BYTES}\r\n`);
  const bytes = Buffer.allocUnsafe(head.length + VALUE_BYTES + 2);
  let filled = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('GET took too long')), TIMEOUT_MS);
      socket.on('close', () => reject(new Error(`closed after ${filled} bytes`)));
      socket.on('data', (chunk: Buffer) => {
        if (filled + chunk.length > bytes.length) return reject(new Error('more than the value'));
        filled += chunk.copy(bytes, filled);
        if (filled < bytes.length) return;
        clearTimeout(timer);
        resolve();
      });
      socket.write('*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n');
    });
  } finally {
    socket.destroy();
  }
  const inAt = performance.now();
  if (!bytes.subarray(0, head.length).equals(head)) throw new Error('GET did not answer 512 MB');
  return { bytes: bytes.subarray(head.length, -2), inAt };
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

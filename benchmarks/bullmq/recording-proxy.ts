// A proxy between a client and redis-server that notes the requests of all connections in the order
// in which they come.
//
// Bytes go through unchanged in both directions. The order is that of arrival here, which is the
// order of execution as long as one connection sends at a time: recording.ts sees to that.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { RequestReader, type RequestWords } from './request-reader.ts';

export interface RecordingProxy {
  readonly port: number;
  /** What came since the last take. */
  take(): RequestWords[];
  close(): Promise<void>;
}

export async function startRecordingProxy(serverPort: number): Promise<RecordingProxy> {
  let seen: RequestWords[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: Socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
    socket.on('error', () => other.destroy());
  };
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: serverPort, host: '127.0.0.1', noDelay: true });
    keep(client, upstream);
    keep(upstream, client);
    const reader = new RequestReader();
    client.on('data', (chunk: Buffer) => {
      for (const request of reader.feed(chunk)) seen.push(request);
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => client.write(chunk));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    take: () => {
      const taken = seen;
      seen = [];
      return taken;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

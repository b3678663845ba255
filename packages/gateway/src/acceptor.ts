/**
 * Listens, and turns accepted sockets into connections.
 *
 * Reading without allocation: Node hands each chunk of a socket to JavaScript in a new buffer of up
 * to 64 KB, unless the socket was made with `onread`, which reads into a buffer of ours. All
 * connections share one such buffer, because a chunk is consumed before the next read. `net.Server`
 * cannot make its sockets that way, so the accepted (paused) socket's handle is given to a new
 * socket that has `onread`. Measured at 50 clients without pipelining: 7.5 µs of CPU per command
 * instead of 8.6. Where a handle is missing (another runtime) the accepted socket is used as it is.
 */
import net from 'node:net';
import { Block, errors } from '@hashlane/resp';
import { Connection } from './connection.ts';
import type { Gateway } from './gateway.ts';
import { READ_BYTES } from './limits.ts';

/** The parts of a socket that move with its handle. Node does not document them. */
interface SocketInternals {
  _handle: unknown;
  _server: unknown;
}

const DENIED =
  '-DENIED Redis is running in protected mode because protected mode is enabled and no password ' +
  'is set for the default user. In this mode connections are only accepted from the loopback ' +
  'interface. If you want to connect from external computers to Redis you may adopt one of the ' +
  'following solutions: 1) Just disable protected mode sending the command ' +
  "'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the " +
  'same host the server is running, however MAKE SURE Redis is not publicly accessible from ' +
  'internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you ' +
  'can just disable the protected mode by editing the Redis configuration file, and setting the ' +
  "protected mode option to 'no', and then restarting the server. 3) If you started the server " +
  "manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a an " +
  'authentication password for the default user. NOTE: You only need to do one of the above ' +
  'things in order for the server to start accepting connections from the outside.\r\n';

export class Acceptor {
  readonly #gateway: Gateway;
  readonly #servers: net.Server[] = [];
  readonly #input = Block.allocate(READ_BYTES);

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** Listens on every configured address; resolves with the first one's address and port. */
  async listen(): Promise<{ address: string; port: number }> {
    const { values } = this.#gateway.configuration;
    let bound: { address: string; port: number } | undefined;
    if (values.port > 0 || values.unixsocket === '') {
      for (const entry of values.bind) {
        const address = await this.#listenOn(entry, bound?.port ?? values.port);
        bound ??= address;
      }
    }
    if (values.unixsocket !== '') {
      await this.#open({ path: values.unixsocket });
      bound ??= { address: values.unixsocket, port: 0 };
    }
    if (bound === undefined) throw new Error('no address to listen on');
    return bound;
  }

  /** Listens on one `bind` entry; a leading `-` makes it optional, `*` stands for all. */
  async #listenOn(
    entry: string,
    port: number,
  ): Promise<{ address: string; port: number } | undefined> {
    const isOptional = entry.startsWith('-');
    const name = isOptional ? entry.slice(1) : entry;
    const host = name === '*' ? '0.0.0.0' : name === '::*' ? '::' : name;
    try {
      const server = await this.#open({ port, host, ipv6Only: host.includes(':') });
      const { address, port: actual } = server.address() as net.AddressInfo;
      return { address, port: actual };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (isOptional && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')) return undefined;
      throw error;
    }
  }

  #open(where: net.ListenOptions): Promise<net.Server> {
    const { tcpBacklog, tcpKeepalive } = this.#gateway.configuration.values;
    const server = net.createServer(
      {
        pauseOnConnect: true,
        noDelay: true,
        keepAlive: tcpKeepalive > 0,
        keepAliveInitialDelay: tcpKeepalive * 1000,
      },
      (socket) => this.accept(socket),
    );
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ ...where, backlog: tcpBacklog }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#gateway.logger.error({ err: error }, 'cannot accept'));
        resolve(server);
      });
    });
  }

  /** Lets a client in, or says why not. */
  accept(accepted: net.Socket): void {
    const gateway = this.#gateway;
    const refusal = this.#refusal(accepted);
    if (refusal !== undefined) {
      gateway.statistics.connectionRejected();
      accepted.on('error', () => {});
      accepted.end(refusal);
      accepted.resume();
      return;
    }
    let connection: Connection | undefined;
    const socket = this.#readInto(accepted, (length) => {
      if (connection !== undefined) gateway.turn.collect(connection, this.#input, length);
    });
    connection = new Connection(gateway, socket, gateway.nextConnectionId());
    gateway.connections.set(connection.id, connection);
    gateway.statistics.connectionAccepted();
    const opened = connection;
    // A reset by the client is everyday business; 'close' follows.
    socket.on('error', () => {});
    socket.on('end', () => {
      gateway.turn.takeInput();
      opened.inputEnded();
    });
    socket.on('close', () => {
      gateway.turn.takeInput();
      gateway.connectionClosed(opened);
    });
    socket.resume();
  }

  /** Why this client may not come in: an error reply, or undefined. */
  #refusal(socket: net.Socket): string | undefined {
    const { connections, configuration } = this.#gateway;
    const { maxclients, protectedMode, requirepass } = configuration.values;
    if (connections.size >= maxclients) return `-${errors.tooManyClients}\r\n`;
    if (!protectedMode || requirepass !== '') return undefined;
    const address = socket.remoteAddress;
    return address === undefined || isLoopback(address) ? undefined : DENIED;
  }

  /** A socket over the accepted one's handle that reads into the shared block. */
  #readInto(accepted: net.Socket, received: (length: number) => void): net.Socket {
    const from = accepted as unknown as SocketInternals;
    const callback = (length: number): boolean => {
      received(length);
      return true;
    };
    if (from._handle === undefined || from._handle === null) {
      accepted.on('data', (chunk: Buffer) => {
        for (let at = 0; at < chunk.length; at += READ_BYTES) {
          const length = chunk.copy(this.#input.bytes, 0, at, at + READ_BYTES);
          received(length);
        }
      });
      return accepted;
    }
    const options = {
      handle: from._handle,
      allowHalfOpen: true,
      onread: { buffer: this.#input.bytes, callback },
    };
    const socket = new net.Socket(options as unknown as net.SocketConstructorOpts);
    // The server counts its open sockets through these fields.
    (socket as unknown as SocketInternals)._server = from._server;
    from._server = null;
    from._handle = null;
    return socket;
  }

  /** Stops accepting. Open connections stay. */
  close(): void {
    for (const server of this.#servers) server.close();
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

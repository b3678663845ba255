/**
 * An engine under test: calls commands by their words, with time and seed in the test's hands.
 * Used by unit tests and fuzzers of core; it routes nothing and parses nothing.
 */
import { Block } from '@hashlane/resp';
import type { CommandSpec } from './commands/command-spec.ts';
import { COMMANDS } from './commands/index.ts';
import { Engine } from './engine.ts';
import { hashBytes } from './hash.ts';
import type { ValueCodec } from './value-codec.ts';

const SPECS: ReadonlyMap<string, CommandSpec> = new Map(COMMANDS.map((spec) => [spec.name, spec]));

/** Stands in for packages/rdb where a test needs no values as bytes. */
const NO_CODEC: ValueCodec = {
  appendRecord: () => 0,
  takeRecords: () => new Uint8Array(0),
  encodeValue: () => Buffer.alloc(0),
  dumpValue: () => Buffer.alloc(0),
  valueOfDump: () => undefined,
  decodeValue: () => 0,
};

export class EngineFixture {
  readonly engine: Engine;
  /** Late replies as [connection, RESP text], in order. */
  readonly late: [number, string][] = [];
  database = 0;
  /** Connection number of the calls that follow. */
  connection = 1;
  /** REQUEST_* flags of the calls that follow. */
  flags = 0;

  constructor(options: { seed?: number; codec?: ValueCodec; now?: number } = {}) {
    this.engine = new Engine({
      seed: options.seed ?? 1,
      codec: options.codec ?? NO_CODEC,
      sink: {
        late: (connection, start, end) => {
          const { bytes } = this.engine.reply.block;
          this.late.push([connection, bytes.latin1Slice(start, end)]);
        },
      },
    });
    this.engine.runNested = (command) => this.engine.execute(COMMANDS[command]);
    this.engine.setNow(options.now ?? 1_700_000_000_000);
  }

  /** Lets `milliseconds` pass and does what is due. */
  advance(milliseconds: number): void {
    this.engine.setNow(this.engine.now + milliseconds);
    while (this.engine.tick());
    this.engine.serveWaiters();
  }

  /**
   * Executes one command and returns its raw reply (latin1), or undefined when it blocked. A string
   * argument is latin1. Subcommands are written `'OBJECT|ENCODING', 'ENCODING', 'key'`.
   */
  call(name: string, ...args: (string | number | Uint8Array)[]): string | undefined {
    const spec = SPECS.get(name.toUpperCase());
    if (spec === undefined) throw new Error(`no command ${name}`);
    const { engine } = this;
    const words = [name, ...args].map((word) =>
      word instanceof Uint8Array ? Buffer.from(word) : Buffer.from(String(word), 'latin1'),
    );
    const { request } = engine;
    request.block = new Block(Buffer.concat([Buffer.from('!'), ...words]));
    request.spans = new Int32Array(2 * words.length);
    let at = 1;
    words.forEach((word, i) => {
      request.spans[2 * i] = at;
      request.spans[2 * i + 1] = word.length;
      at += word.length;
    });
    request.base = 0;
    request.origin = 0;
    request.argc = words.length;
    request.database = this.database;
    request.connection = this.connection;
    request.flags = this.flags;
    request.hash =
      spec.keys?.[0]?.first === 1 && words.length > 1
        ? hashBytes(request.block, request.offset(1), request.length(1))
        : 0;
    const start = engine.reply.position;
    const replied = engine.execute(spec);
    const end = engine.reply.position;
    engine.serveWaiters();
    const text = engine.reply.block.bytes.latin1Slice(start, end);
    engine.reply.reset();
    return replied ? text : undefined;
  }
}

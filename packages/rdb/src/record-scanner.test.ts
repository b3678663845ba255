import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { ByteSink } from './byte-sink.ts';
import { writeLength } from './length-encoding.ts';
import { RdbFormatError } from './rdb-format-error.ts';
import { RecordScanner, ScanEvent, type ScannerOptions } from './record-scanner.ts';
import { putString, rdbFile } from './testing/dump-builder.ts';
import { RedisProcess, redisMissing, temporaryDirectory } from './testing/redis-process.ts';
import { fullSample, smallSample } from './testing/sample-dump.ts';
import { valueElements } from './testing/value-elements.ts';

/** Everything a scan says, one line an event; chunk ends stand at `cuts`. */
function scan(file: Buffer, cuts: readonly number[] = [], options?: ScannerOptions): string[] {
  const scanner = new RecordScanner(options);
  const lines: string[] = [];
  let from = 0;
  for (const cut of [...cuts, file.length]) {
    // A chunk of its own that is overwritten afterwards, as the reader does.
    const chunk = Buffer.from(file.subarray(from, cut));
    from = cut;
    if (scanner.ended) break;
    scanner.feed(chunk);
    for (;;) {
      const event = scanner.next();
      if (event === ScanEvent.needMore) break;
      lines.push(describe(scanner, event));
      if (event === ScanEvent.end) break;
    }
    chunk.fill(0xee);
  }
  scanner.finish();
  return lines;
}

function describe(scanner: RecordScanner, event: ScanEvent): string {
  if (event === ScanEvent.aux) return `aux ${scanner.auxName}=${scanner.auxValue}`;
  if (event === ScanEvent.library) return `library ${scanner.library}`;
  if (event === ScanEvent.moduleAux) return `module aux ${scanner.moduleName}`;
  if (event === ScanEvent.resize) return `resize ${JSON.stringify(scanner.resize)}`;
  if (event !== ScanEvent.record) return `${event} at ${scanner.offset}`;
  const { keyBytes, valueBytes, owned, ...record } = scanner.record;
  const key = keyBytes.toString('latin1', record.keyStart, record.keyEnd);
  const value = valueBytes.toString('hex', record.valueStart, record.valueEnd);
  const { db, expireAtMs, idleSeconds, frequency, type, offset } = record;
  return [key, db, expireAtMs, idleSeconds, frequency, type, offset, value].join(' ');
}

/** Scans and decodes; returns the RdbFormatError, if any. Other errors are thrown. */
function complaint(file: Buffer, options?: ScannerOptions): RdbFormatError | undefined {
  try {
    const scanner = new RecordScanner(options);
    scanner.feed(file);
    let event = scanner.next();
    while (event !== ScanEvent.needMore && event !== ScanEvent.end) {
      if (event === ScanEvent.record) decode(scanner);
      event = scanner.next();
    }
    scanner.finish();
    return undefined;
  } catch (error) {
    if (error instanceof RdbFormatError) return error;
    throw error;
  }
}

function decode(scanner: RecordScanner): void {
  try {
    valueElements(scanner.record);
  } catch (error) {
    // A corrupt value does not stop the scan: the checksum has the last word.
    if (!(error instanceof RdbFormatError)) throw error;
  }
}

async function dumpOf(script: readonly string[], more: readonly string[] = []): Promise<Buffer> {
  await using dir = await temporaryDirectory();
  await using redis = await RedisProcess.start(dir.path);
  await redis.script([...script, ...more, 'save']);
  return readFile(join(dir.path, 'dump.rdb'));
}

/** One item of every kind that redis-server 7.0 does not write. */
function newAndOldItems(sink: ByteSink): void {
  const text = (...values: string[]): void => {
    for (const value of values) putString(sink, value);
  };
  const lengths = (...values: number[]): void => {
    for (const value of values) writeLength(sink, value);
  };
  sink.u8(244);
  lengths(1, 2, 3);
  sink.u8(247);
  // Module ID of "ReJSON-RL", version 3; then "when" and one piece of each kind.
  sink.u8(0x81);
  sink.bigU64be(moduleId('ReJSON-RL', 3n));
  lengths(2, 2, 1, 5, 2, 70_000, 3);
  sink.u32le(1);
  lengths(4);
  sink.f64le(1);
  lengths(5);
  text('piece');
  lengths(0);
  sink.u8(253);
  sink.u32le(1_700_000_000);
  sink.u8(3);
  text('zset');
  lengths(4);
  text('a');
  sink.u8(3);
  sink.latin1('1.5');
  for (const special of [253, 254, 255]) {
    text('b');
    sink.u8(special);
  }
  for (const type of [1, 2]) {
    sink.u8(type);
    text(`strings ${type}`);
    lengths(2);
    text('x', '123');
  }
  for (const type of [9, 10, 12, 13, 16, 17, 20, 23]) {
    sink.u8(type);
    text(`blob ${type}`, 'blob');
  }
  sink.u8(14);
  text('nodes');
  lengths(2);
  text('node', 'node');
  for (const type of [22, 24]) {
    sink.u8(type);
    text(`hash ${type}`);
    if (type === 24) sink.u64le(1_700_000_000_000);
    lengths(2, 0);
    text('field', 'value');
    lengths(100_000);
    text('field', 'value');
  }
  sink.u8(25);
  text('hash 25');
  sink.u64le(1_700_000_000_000);
  text('blob');
  for (const generation of [15, 19, 21]) putStream(sink, generation);
  sink.u8(0);
  text('last', 'one');
}

function putStream(sink: ByteSink, type: number): void {
  const later = type >= 19 ? 1 : 0;
  sink.u8(type);
  putString(sink, `stream ${type}`);
  writeLength(sink, 1);
  putString(sink, 'sixteen-byte-key');
  putString(sink, 'listpack');
  for (let count = 3 + later * 5; count > 0; count--) writeLength(sink, 1000);
  writeLength(sink, 2);
  for (const group of ['empty', 'full']) {
    const entries = group === 'full' ? 2 : 0;
    putString(sink, group);
    for (let count = 2 + later; count > 0; count--) writeLength(sink, 7);
    writeLength(sink, entries);
    for (let entry = 0; entry < entries; entry++) {
      sink.latin1('sixteen-byte--idmillisec');
      writeLength(sink, 1);
    }
    writeLength(sink, 1);
    putString(sink, 'consumer');
    sink.latin1(type === 21 ? 'seentimeacttimes' : 'seentime');
    writeLength(sink, entries);
    for (let entry = 0; entry < entries; entry++) sink.latin1('sixteen-byte--id');
  }
}

function moduleId(name: string, version: bigint): bigint {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  let id = 0n;
  for (const character of name) id = (id << 6n) | BigInt(alphabet.indexOf(character));
  return (id << 10n) | version;
}

t.test('items that redis-server 7.0 does not write', async (t) => {
  const file = rdbFile(newAndOldItems);
  const lines = scan(file);
  t.equal(lines[0], 'module aux ReJSON-RL');
  t.match(lines[1], /^zset 0 1700000000000 -1 -1 3 /);
  t.match(lines[2], /^strings 1 0 -1 -1 -1 1 \d+ 020178c07b$/);
  t.match(lines.at(-2), /^last 0 -1 -1 -1 0 \d+ 036f6e65$/);
  t.equal(lines.at(-1), `end at ${file.length}`);
  t.equal(lines.length, 21);
  for (let cut = 0; cut <= file.length; cut++) t.same(scan(file, [cut]), lines);
  t.same(scan(file, everyByte(file)), lines);
});

t.test('every version, and no checksum before version 5', async (t) => {
  for (let version = 1; version <= 12; version++) {
    const file = rdbFile((sink) => {
      sink.u8(0);
      putString(sink, 'k');
      putString(sink, 'v');
    }, version);
    t.same(scan(file), ['k 0 -1 -1 -1 0 9 0176', `end at ${file.length}`]);
  }
});

t.test('what cannot be read is named, with its place', async (t) => {
  const failing = (items: (sink: ByteSink) => void): string | undefined =>
    complaint(rdbFile(items))?.message;
  t.equal(complaint(Buffer.from('*1\r\n$4\r\nPING\r\n'))?.message.slice(0, 15), 'not an RDB file');
  t.equal(complaint(Buffer.from('REDIS00x9'))?.message.slice(0, 15), 'not an RDB file');
  t.equal(complaint(rdbFile(() => {}, 13))?.message, 'RDB version 13 is not supported at byte 5');
  t.equal(complaint(Buffer.alloc(0))?.offset, 0);
  t.equal(
    failing((sink) => sink.u8(99)),
    'unknown value type 99 at byte 9',
  );
  t.match(
    failing((sink) => sink.u8(246)),
    /pre-release at byte 9/,
  );
  t.match(
    failing((sink) => sink.u8(6)),
    /pre-release at byte 9/,
  );
  const badLength = failing((sink) => {
    sink.u8(254);
    sink.u8(0xbf);
  });
  t.equal(badLength, 'unknown length encoding 191 at byte 10');
  const module = failing((sink) => {
    sink.u8(7);
    putString(sink, 'doc');
    sink.u8(0x81);
    sink.bigU64be(moduleId('ReJSON-RL', 3n));
    sink.u8(0);
  });
  t.equal(module, `a value of module type 'ReJSON-RL' cannot be loaded at byte 9: key "doc"`);
});

t.test('the checksum', async (t) => {
  const file = rdbFile(newAndOldItems);
  const found = file
    .readBigUInt64LE(file.length - 8)
    .toString(16)
    .padStart(16, '0');
  const broken = Buffer.from(file);
  broken[20] ^= 1;
  t.match(complaint(broken)?.message, new RegExp(`^checksum mismatch at byte .*found ${found}$`));
  t.equal(complaint(broken, { verifyChecksum: false }), undefined);
  broken.fill(0, broken.length - 8);
  t.equal(complaint(broken), undefined, 'zero: written without one');
});

t.test('a length beyond the file is refused at once, and does not allocate', async (t) => {
  const file = rdbFile((sink) => {
    sink.u8(0);
    putString(sink, 'huge');
    writeLength(sink, 2 ** 50);
  });
  t.match(complaint(file, { totalBytes: file.length })?.message, /^truncated at byte \d+: what /);
  t.match(complaint(file)?.message, /^truncated at byte /);
});

t.test('a value larger than a chunk arrives in a buffer of its own', async (t) => {
  const value = Buffer.alloc(3_000_000, 'large ');
  const elements = Array.from({ length: 200_000 }, (_, index) => `element ${index}`);
  const file = rdbFile((sink) => {
    sink.u8(0);
    putString(sink, 'string');
    putString(sink, value);
    sink.u8(1);
    putString(sink, 'list');
    writeLength(sink, elements.length);
    for (const element of elements) putString(sink, element);
    sink.u8(0);
    putString(sink, 'after');
    putString(sink, 'it');
  });
  for (const totalBytes of [file.length, undefined]) {
    const scanner = new RecordScanner(totalBytes === undefined ? {} : { totalBytes });
    const seen: unknown[] = [];
    for (let from = 0; from < file.length; from += 65_536) {
      const chunk = Buffer.from(file.subarray(from, from + 65_536));
      scanner.feed(chunk);
      for (let event = scanner.next(); event === ScanEvent.record; event = scanner.next()) {
        const { record } = scanner;
        seen.push([record.owned, valueElements(record).length]);
        if (seen.length === 1) {
          t.equal(record.valueBytes.length, 3_000_000 + 5 + 8, 'of the right size');
          t.ok(value.equals(record.valueBytes.subarray(13)));
        }
      }
      chunk.fill(0);
    }
    scanner.finish();
    t.same(seen, [
      [true, 1],
      [true, 200_000],
      [false, 1],
    ]);
  }
});

t.test('dumps of redis-server', { skip: redisMissing() }, async (t) => {
  const small = await dumpOf(smallSample);

  await t.test('every value is what DUMP shows, and decodes to what is read', async (t) => {
    await using dir = await temporaryDirectory();
    await using redis = await RedisProcess.start(dir.path);
    await redis.script([...fullSample, 'save']);
    await compareWithServer(t, redis, await readFile(join(dir.path, 'dump.rdb')));
  });

  await t.test('without compression', async (t) => {
    const plain = await dumpOf(fullSample, ['config set rdbcompression no']);
    t.equal(complaint(plain), undefined);
  });

  for (const policy of ['allkeys-lru', 'allkeys-lfu']) {
    await t.test(`access times under ${policy}`, async (t) => {
      const file = await dumpOf([`config set maxmemory-policy ${policy}`, ...smallSample]);
      const pattern = policy === 'allkeys-lru' ? /^plain 0 -1 \d+ -1 0/ : /^plain 0 -1 -1 \d+ 0/;
      t.ok(scan(file).some((line) => pattern.test(line)));
    });
  }

  await t.test('cut anywhere into chunks', async (t) => {
    const full = await dumpOf(fullSample);
    const lines = scan(full);
    t.ok(lines.some((line) => line.startsWith('library #!lua name=lib')));
    t.ok(lines.some((line) => line.startsWith('other-database 9 ')));
    const cuts = fc.array(fc.nat(full.length), { maxLength: 40 });
    fc.assert(
      fc.property(cuts, fc.boolean(), (places, sized) => {
        const options = sized ? { totalBytes: full.length } : {};
        const sorted = places.sort((a, b) => a - b);
        return scan(full, sorted, options).join('\n') === lines.join('\n');
      }),
    );
    t.same(scan(small, everyByte(small)), scan(small));
  });

  await t.test('truncated at every byte', async (t) => {
    for (let length = 0; length < small.length; length++) {
      const cut = small.subarray(0, length);
      for (const options of [{}, { totalBytes: length }]) {
        const error = complaint(cut, options);
        if (error === undefined || error.offset > length) t.fail(`cut at ${length}: ${error}`);
        else if (!error.message.startsWith('truncated at byte ')) t.fail(error.message);
      }
    }
  });

  await t.test('every byte changed', async (t) => {
    for (let at = 0; at < small.length; at++) {
      for (const mask of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
        const broken = Buffer.from(small);
        broken[at] ^= mask;
        if (complaint(broken) === undefined) t.fail(`byte ${at} changed by ${mask}`);
        // Without the checksum a change may go unseen; it must not do worse than that.
        complaint(broken, { verifyChecksum: false, totalBytes: broken.length });
      }
    }
  });
});

function everyByte(file: Buffer): number[] {
  return Array.from({ length: file.length }, (_, index) => index);
}

async function compareWithServer(t: Test, redis: RedisProcess, file: Buffer): Promise<void> {
  t.ok(file.length === (await stat(join(redis.dir, 'dump.rdb'))).size);
  const scanner = new RecordScanner({ totalBytes: file.length });
  scanner.feed(file);
  const types = new Set<number>();
  for (let event = scanner.next(); event !== ScanEvent.end; event = scanner.next()) {
    if (event !== ScanEvent.record) continue;
    const { record } = scanner;
    types.add(record.type);
    const key = record.keyBytes.toString('latin1', record.keyStart, record.keyEnd);
    const dump = await redis.command('-n', String(record.db), 'dump', key);
    const value = record.valueBytes.subarray(record.valueStart, record.valueEnd);
    t.equal(dump[0], record.type, `type of ${key}`);
    t.ok(dump.subarray(1, -10).equals(value), `value of ${key}`);
    const read = await readBack(redis, record.db, key, record.type);
    if (read !== undefined) t.same(valueElements(record).join('\n'), read, `elements of ${key}`);
    const expiry = await redis.command('-n', String(record.db), 'pexpiretime', key);
    t.equal(String(record.expireAtMs), expiry.toString(), `expiry of ${key}`);
  }
  t.same(
    [...types].sort((a, b) => a - b),
    [0, 2, 4, 5, 11, 16, 17, 18, 19],
  );
}

/** The value by the server's own commands, in the order of the dump where that is defined. */
function readBack(redis: RedisProcess, db: number, key: string, type: number) {
  const commands = new Map<number, string[]>([
    [0, ['get', key]],
    [18, ['lrange', key, '0', '-1']],
    [11, ['smembers', key]],
    [2, ['smembers', key]],
    [16, ['hgetall', key]],
    [4, ['hgetall', key]],
  ]);
  const command = commands.get(type);
  if (command === undefined) return Promise.resolve(undefined);
  return redis.command('-n', String(db), ...command).then((reply) => reply.toString('latin1'));
}

import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { ByteSink } from './byte-sink.ts';
import { diskFiles } from './file-layer.ts';
import { readSnapshot, type SnapshotHandlers } from './file-reader.ts';
import { removeStaleTemporaries, type SnapshotOptions, SnapshotWriter } from './file-writer.ts';
import { writeLength, writeString } from './length-encoding.ts';
import { Opcode, ValueType } from './opcodes.ts';
import { RdbFormatError } from './rdb-format-error.ts';
import { putString } from './testing/dump-builder.ts';
import { type Fault, fault, faultyFiles, type Step } from './testing/faulty-files.ts';
import { RedisProcess, redisMissing, temporaryDirectory } from './testing/redis-process.ts';
import { valueElements } from './testing/value-elements.ts';

const FAR_FUTURE_MS = 4_000_000_000_000;

function optionsFor(dir: string, more: Partial<SnapshotOptions> = {}): SnapshotOptions {
  return {
    dir,
    fileName: 'dump.rdb',
    serverVersion: '7.4.0',
    createdAtSeconds: 1_700_000_000,
    usedMemoryBytes: 123_456,
    ...more,
  };
}

/** `count` records: strings, lists, some with an expiry. */
function records(prefix: string, count: number, compress = true): Buffer {
  const sink = new ByteSink();
  const put = (text: string): void => {
    const bytes = Buffer.from(text);
    writeString(sink, bytes, 0, bytes.length, compress);
  };
  for (let index = 0; index < count; index++) {
    if (index % 3 === 0) {
      sink.u8(Opcode.expireTimeMs);
      sink.u64le(FAR_FUTURE_MS + index);
    }
    sink.u8(index % 2 === 0 ? ValueType.string : ValueType.list);
    put(`${prefix}:${index}`);
    if (index % 2 === 1) {
      writeLength(sink, 3);
      put('first');
      put(String(index));
    }
    put(`value ${index} `.repeat(index % 7));
  }
  return sink.take();
}

/** Every record as one line. */
async function contents(path: string, more: Partial<SnapshotHandlers> = {}): Promise<string[]> {
  const lines: string[] = [];
  await readSnapshot(path, {
    record: (record) => {
      const key = record.keyBytes.toString('latin1', record.keyStart, record.keyEnd);
      const value = valueElements(record).join();
      lines.push(`${record.db} ${key} ${record.expireAtMs} ${record.type} ${value}`);
    },
    ...more,
  });
  return lines;
}

t.test('what is written is read again', async (t) => {
  await using dir = await temporaryDirectory();
  const databases = [
    { db: 0, keys: 30, expires: 10 },
    { db: 3, keys: 20, expires: 7 },
  ];
  const writer = await SnapshotWriter.open(optionsFor(dir.path, { databases, aofBase: true }));
  // Not awaited one by one: shards do not wait for each other.
  await Promise.all([
    writer.append(0, records('a', 20)),
    writer.append(3, records('b', 20)),
    writer.append(0, records('c', 10)),
    writer.appendLibrary(Buffer.from('#!lua name=lib\n')),
  ]);
  const size = await writer.finish();
  t.equal(size, (await readFile(writer.targetPath)).length);
  t.equal(size, writer.byteCount);
  t.same(await readdir(dir.path), ['dump.rdb']);

  const events: string[] = [];
  const lines = await contents(writer.targetPath, {
    aux: (name, value) => events.push(`${name}=${value}`),
    resize: (db, keys, expires) => events.push(`resize ${db} ${keys} ${expires}`),
    library: (source) => events.push(`library ${source}`),
  });
  t.same(events, [
    'redis-ver=7.4.0',
    'redis-bits=64',
    'ctime=1700000000',
    'used-mem=123456',
    'aof-base=1',
    'resize 0 30 10',
    'resize 3 20 7',
    'library #!lua name=lib\n',
  ]);
  t.equal(lines.length, 50);
  t.equal(lines[0], `0 a:0 ${FAR_FUTURE_MS} 0 `);
  t.equal(lines[1], '0 a:1 -1 1 first,1,value 1 ');
  t.equal(lines[20], `3 b:0 ${FAR_FUTURE_MS} 0 `);
  t.equal(lines[40], `0 c:0 ${FAR_FUTURE_MS} 0 `);
});

t.test('chunks smaller and larger than the buffer, and short writes and reads', async (t) => {
  await using dir = await temporaryDirectory();
  const chunks = [1, 10, 500, 2, 300].map((count, index) => records(`chunk${index}`, count));
  const write = async (fileName: string, more: Partial<SnapshotOptions>): Promise<Buffer> => {
    const writer = await SnapshotWriter.open(optionsFor(dir.path, { fileName, ...more }));
    for (const chunk of chunks) await writer.append(1, chunk);
    await writer.finish();
    return readFile(writer.targetPath);
  };
  const expected = await write('whole.rdb', {});
  const short = faultyFiles({ bytesMax: 77 });
  t.same(await write('short.rdb', { bufferBytes: 1000, files: short }), expected);
  const lines = await contents(join(dir.path, 'whole.rdb'));
  t.equal(lines.length, 813);
  const again: string[] = [];
  const result = await readSnapshot(
    join(dir.path, 'short.rdb'),
    { record: (record) => again.push(valueElements(record).join()) },
    { files: short, chunkBytes: 100 },
  );
  t.same(result, { version: 10, records: 813, byteCount: expected.length });
  t.same(
    again,
    lines.map((line) => line.split(' ').slice(4).join(' ')),
  );
});

t.test('without a checksum, and of another version', async (t) => {
  await using dir = await temporaryDirectory();
  const options = optionsFor(dir.path, { checksum: false, rdbVersion: 12 });
  const writer = await SnapshotWriter.open(options);
  await writer.finish();
  const file = await readFile(writer.targetPath);
  t.equal(file.toString('latin1', 0, 9), 'REDIS0012');
  t.equal(file.readBigUInt64LE(file.length - 8), 0n);
  t.same(await contents(writer.targetPath), []);
});

t.test('steps come in the order that keeps the old file', async (t) => {
  await using dir = await temporaryDirectory();
  const steps: Step[] = [];
  const writer = await SnapshotWriter.open(optionsFor(dir.path, { files: faultyFiles({}, steps) }));
  await writer.append(0, records('a', 3));
  await writer.finish();
  t.same(steps, ['open', 'write', 'write', 'sync', 'close', 'rename', 'syncDirectory']);
});

t.test('a fault leaves the old file, no temporary file, and is told', async (t) => {
  const faults: Fault[] = [
    { step: 'open', after: 0, error: fault('ENOSPC') },
    { step: 'write', after: 0, error: fault('ENOSPC') },
    { step: 'write', after: 3, error: fault('EIO') },
    { step: 'sync', after: 0, error: fault('EIO') },
    { step: 'close', after: 0, error: fault('EIO') },
    { step: 'rename', after: 0, error: fault('EACCES') },
  ];
  for (const injected of faults) {
    await using dir = await temporaryDirectory();
    await writeFile(join(dir.path, 'dump.rdb'), 'the old one');
    const files = faultyFiles({ fault: injected });
    const attempt = async (): Promise<void> => {
      const writer = await SnapshotWriter.open(optionsFor(dir.path, { files, bufferBytes: 100 }));
      await writer.append(0, records('a', 100));
      await writer.append(0, records('b', 100));
      await writer.finish();
    };
    await t.rejects(attempt(), { message: injected.error.message }, injected.step);
    t.same(await readdir(dir.path), ['dump.rdb'], injected.step);
    t.equal(await readFile(join(dir.path, 'dump.rdb'), 'utf8'), 'the old one');
  }
});

t.test('a fault after the rename is told, and the new file stays', async (t) => {
  await using dir = await temporaryDirectory();
  const injected: Fault = { step: 'syncDirectory', after: 0, error: fault('EIO') };
  const files = faultyFiles({ fault: injected });
  const writer = await SnapshotWriter.open(optionsFor(dir.path, { files }));
  await writer.append(0, records('a', 1));
  await t.rejects(writer.finish(), { code: 'EIO' });
  t.equal((await contents(writer.targetPath)).length, 1);
});

t.test('calls that were under way when a fault came get the same error', async (t) => {
  await using dir = await temporaryDirectory();
  const injected: Fault = { step: 'write', after: 0, error: fault('ENOSPC') };
  const files = faultyFiles({ fault: injected });
  const writer = await SnapshotWriter.open(optionsFor(dir.path, { files, bufferBytes: 10 }));
  const calls = [writer.append(0, records('a', 9)), writer.append(1, records('b', 9))];
  const outcomes = await Promise.allSettled([...calls, writer.finish()]);
  for (const outcome of outcomes) {
    t.match(outcome, { status: 'rejected', reason: { code: 'ENOSPC' } });
  }
  await writer.abort();
  t.same(await readdir(dir.path), []);
});

t.test('abort removes the temporary file, after what is under way', async (t) => {
  await using dir = await temporaryDirectory();
  const writer = await SnapshotWriter.open(optionsFor(dir.path, { bufferBytes: 10 }));
  t.match(writer.temporaryPath, new RegExp(`temp-${process.pid}-\\d+\\.rdb$`));
  const append = writer.append(0, records('a', 9));
  await writer.abort();
  await append;
  t.same(await readdir(dir.path), []);
  await t.rejects(writer.append(0, records('a', 1)), { message: 'the snapshot was aborted' });
  await t.rejects(writer.finish(), { message: 'the snapshot was aborted' });
});

t.test('two writers at once, and what crashed ones left', async (t) => {
  await using dir = await temporaryDirectory();
  const [one, two] = await Promise.all([
    SnapshotWriter.open(optionsFor(dir.path, { fileName: 'one.rdb' })),
    SnapshotWriter.open(optionsFor(dir.path, { fileName: 'two.rdb' })),
  ]);
  await Promise.all([one.finish(), two.finish()]);
  // No process has this id: it is beyond the kernel's largest.
  const stale = ['temp-99999999-0.rdb', `temp-${process.pid}-1.rdb`];
  // Process 1 always lives.
  for (const name of [...stale, 'temp-1-0.rdb', 'other.rdb']) {
    await writeFile(join(dir.path, name), '');
  }
  t.same((await removeStaleTemporaries(dir.path)).sort(), [...stale].sort());
  t.same((await readdir(dir.path)).sort(), ['one.rdb', 'other.rdb', 'temp-1-0.rdb', 'two.rdb']);
});

t.test('a name that is taken is passed over', async (t) => {
  await using dir = await temporaryDirectory();
  let refused = 0;
  const files = {
    ...diskFiles,
    open: async (path: string, flags: string) => {
      if (flags === 'wx' && refused++ < 2) throw fault('EEXIST');
      return diskFiles.open(path, flags);
    },
  };
  const writer = await SnapshotWriter.open(optionsFor(dir.path, { files }));
  await writer.finish();
  t.equal(refused, 3);
});

t.test('reading: what is wrong with a file', async (t) => {
  await using dir = await temporaryDirectory();
  const path = join(dir.path, 'dump.rdb');
  await t.rejects(contents(path), { code: 'ENOENT' });
  const writer = await SnapshotWriter.open(optionsFor(dir.path));
  await writer.append(0, records('a', 40));
  await writer.finish();
  const whole = await readFile(path);
  for (const length of [0, 5, 9, 100, whole.length - 1]) {
    await writeFile(path, whole.subarray(0, length));
    await t.rejects(contents(path), new RegExp(`truncated at byte ${length}`));
  }
  await writeFile(path, Buffer.concat([whole, Buffer.from('tail')]));
  await t.rejects(contents(path), {
    message: `data behind the end at byte ${whole.length}: 4 bytes`,
  });
  const lenient = { allowTrailing: true, chunkBytes: 64 };
  const result = await readSnapshot(path, { record: () => {} }, lenient);
  t.same(result, { version: 10, records: 40, byteCount: whole.length });
  whole[200] ^= 1;
  await writeFile(path, whole);
  await t.rejects(contents(path), RdbFormatError);
});

t.test('reading: the receiver holds the reader back, and its errors come through', async (t) => {
  await using dir = await temporaryDirectory();
  const writer = await SnapshotWriter.open(optionsFor(dir.path));
  await writer.append(0, records('a', 200));
  const size = await writer.finish();
  const path = writer.targetPath;
  let waiting = false;
  let drains = 0;
  const progress: number[] = [];
  const handlers: SnapshotHandlers = {
    record: () => {
      if (waiting) throw new Error('a record came before the receiver was ready');
    },
    drained: async () => {
      waiting = true;
      await new Promise(setImmediate);
      waiting = false;
      drains++;
    },
    progress: (doneBytes, totalBytes) => {
      t.equal(totalBytes, size);
      progress.push(doneBytes);
    },
  };
  await readSnapshot(path, handlers, { chunkBytes: 1000 });
  t.equal(drains, Math.ceil(size / 1000));
  t.equal(progress.at(-1), size);
  const failing = {
    record: () => {
      throw new Error('the shard is gone');
    },
  };
  await t.rejects(readSnapshot(path, failing), { message: 'the shard is gone' });
  const bad: Fault = { step: 'read', after: 2, error: fault('EIO') };
  const reading = readSnapshot(
    path,
    { record: () => {} },
    {
      chunkBytes: 100,
      files: faultyFiles({ fault: bad }),
    },
  );
  await t.rejects(reading, { code: 'EIO' });
});

t.test('redis takes our files', { skip: redisMissing() }, async (t) => {
  await using dir = await temporaryDirectory();
  const writer = await SnapshotWriter.open(
    optionsFor(dir.path, { databases: [{ db: 0, keys: 300, expires: 100 }] }),
  );
  await writer.append(0, records('compressed', 150));
  await writer.append(5, records('other', 50));
  await writer.append(0, records('plain', 150, false));
  const large = new ByteSink();
  large.u8(ValueType.string);
  putString(large, 'large');
  putString(large, Buffer.alloc(3_000_000, 'large'));
  await writer.append(5, large.take());
  await writer.finish();

  const check = await promisify(execFile)('redis-check-rdb', [writer.targetPath]);
  t.match(check.stdout, /\\o\/ RDB looks OK! \\o\//);
  t.match(check.stdout, /351 keys read/);

  await using redis = await RedisProcess.start(dir.path);
  const lines = await contents(writer.targetPath);
  // One in seven: every look-up is a process.
  for (const line of lines.filter((_, index) => index % 7 === 1 || index === 350)) {
    const [db, key, expiry, type, ...value] = line.split(' ');
    const read = type === '0' ? ['get', key] : ['lrange', key, '0', '-1'];
    const reply = String(await redis.command('-n', db, ...read));
    if (reply.replaceAll('\n', ',') !== value.join(' ')) t.fail(`value of ${key}`);
    const expires = String(await redis.command('-n', db, 'pexpiretime', key));
    if (expires !== expiry) t.fail(`expiry of ${key}`);
  }
  t.equal(String(await redis.command('dbsize')), '300');
});

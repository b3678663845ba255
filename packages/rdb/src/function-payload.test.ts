import t from 'tap';
import { crc64 } from './crc64.ts';
import { decodeLibraries, encodeLibraries } from './function-payload.ts';

const SOURCES = [
  '#!lua name=a\n',
  `#!lua name=b\n${'-- padding '.repeat(500)}`,
  '\xff\x00\r\n',
  '',
];

/** The same bytes with the right checksum. */
function sealed(body: Buffer, version = 10): Buffer {
  const footer = Buffer.from([version, 0]);
  const checksum = Buffer.alloc(8);
  const summed = Buffer.concat([body, footer]);
  checksum.writeBigUInt64LE(crc64(summed));
  return Buffer.concat([summed, checksum]);
}

void t.test('what is encoded is decoded', (t) => {
  for (const compress of [false, true]) {
    for (let count = 0; count <= SOURCES.length; count++) {
      const sources = SOURCES.slice(0, count);
      const decoded = decodeLibraries(encodeLibraries(sources, compress));
      t.strictSame(decoded, { sources, problem: undefined }, `${count} libraries`);
    }
  }
  t.ok(encodeLibraries(SOURCES, true).length < encodeLibraries(SOURCES, false).length);
  t.equal(encodeLibraries([], true).toString('hex'), '0a005d9b5c400f7fa2da', "Redis's payload");
  t.end();
});

void t.test('a payload with another checksum, version or length is none', (t) => {
  const good = encodeLibraries(SOURCES, false);
  for (let at = 0; at < 60; at++) {
    const bad = Buffer.from(good);
    bad[at]! ^= 0x10;
    t.equal(decodeLibraries(bad), undefined, `byte ${at}`);
  }
  for (const length of [0, 1, 9, good.length - 1]) {
    t.equal(decodeLibraries(good.subarray(0, length)), undefined, `${length} bytes`);
  }
  t.equal(decodeLibraries(sealed(good.subarray(0, -10), 99)), undefined, 'version 99');
  t.end();
});

void t.test('records that are no libraries', (t) => {
  const [first] = SOURCES;
  const record = encodeLibraries([first!], false).subarray(0, -10);
  const problems = [
    ['not a function', [0]],
    ['not a function', [244]],
    ['of a pre-release', [246]],
    ['broken', [245]],
    ['broken', [245, 5, 65]],
    ['broken', [245, 0x80, 0xff, 0xff, 0xff, 0xff]],
    ['broken', [245, 0xc3, 1, 5, 0xff]],
  ] as const;
  for (const [problem, bytes] of problems) {
    const payload = sealed(Buffer.concat([record, Buffer.from(bytes)]));
    t.strictSame(decodeLibraries(payload), { sources: [first], problem }, `${bytes}`);
  }
  t.end();
});

import { Block, ReplyWriter } from '@hashlane/resp';
import t from 'tap';
import {
  elementLength,
  encodedBytes,
  encodeEntry,
  integerAt,
  isIntegerEntry,
  Needle,
  nextEntry,
  previousEntry,
  wireBytes,
  writeBulk,
  writeBulks,
} from './listpack.ts';

/** [element, entry in hex without string data], as lpAppend of Redis 7 writes them. */
const ENTRIES: readonly (readonly [string, string])[] = [
  ['0', '0001'],
  ['127', '7f01'],
  ['128', 'c08002'],
  ['-1', 'dfff02'],
  ['4095', 'cfff02'],
  ['-4096', 'd00002'],
  ['4096', 'f1001003'],
  ['-32768', 'f1008003'],
  ['32768', 'f200800004'],
  ['-8388608', 'f200008004'],
  ['8388608', 'f30000800005'],
  ['-2147483648', 'f30000008005'],
  ['2147483648', 'f4000000800000000009'],
  ['-2147483649', 'f4ffffff7fffffffff09'],
  ['999999999999999', 'f4ff7fc6a47e8d030009'],
  ['9223372036854775807', 'f4ffffffffffffff7f09'],
  ['-9223372036854775808', 'f4000000000000008009'],
  ['', '8001'],
  ['a', '816102'],
  ['-0', '822d3003'],
  ['007', '8330303704'],
  ['9223372036854775808', '9339323233333732303336383534373735383038' + '14'],
];

function encode(element: string): Block {
  const source = Block.of(`<${element}>`);
  const size = encodedBytes(source, 1, element.length);
  const block = Block.allocate(size + 2);
  t.equal(encodeEntry(block, 2, source, 1, element.length), size + 2);
  return block;
}

t.test('entries are those of Redis', async (t) => {
  for (const [element, hex] of ENTRIES) {
    t.equal(encode(element).bytes.subarray(2).toString('hex'), hex, element);
  }
});

t.test('strings of every head and backward size', async (t) => {
  for (const length of [63, 64, 126, 127, 4095, 4096, 16_377, 16_378, 2_097_145, 2_097_146]) {
    const element = 'x'.repeat(length);
    const block = encode(element);
    const head = length < 64 ? 1 : length < 4096 ? 2 : 5;
    const body = head + length;
    const back = body <= 127 ? 1 : body < 16383 ? 2 : body < 2097151 ? 3 : 4;
    t.equal(block.bytes.length, 2 + body + back, `${length}`);
    t.equal(nextEntry(block, 2), block.bytes.length);
    t.equal(previousEntry(block, block.bytes.length), 2);
    t.equal(elementLength(block, 2), length);
    t.ok(new Needle().set(Block.of(element), 0, length).equalsEntry(block, 2));
  }
});

t.test('elements come back as they were', async (t) => {
  const reply = new ReplyWriter(16);
  const needle = new Needle();
  for (const [element] of ENTRIES) {
    const block = encode(element);
    const wire = `$${element.length}\r\n${element}\r\n`;
    reply.reset();
    writeBulk(reply, block, 2);
    writeBulks(reply, block, 2, 1);
    t.equal(reply.block.bytes.latin1Slice(0, reply.position), wire + wire);
    t.equal(wireBytes(block, 2), wire.length);
    t.equal(previousEntry(block, nextEntry(block, 2)), 2);
    for (const [other] of ENTRIES) {
      needle.set(Block.of(other), 0, other.length);
      t.equal(needle.equalsEntry(block, 2), other === element, `${other} and ${element}`);
    }
    const isSafe = isIntegerEntry(block, 2) && Number.isSafeInteger(Number(element));
    if (isSafe) t.equal(integerAt(block, 2), Number(element));
  }
});

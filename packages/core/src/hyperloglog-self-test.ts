/**
 * What PFSELFTEST runs: dense registers hold what was written and leave their neighbours alone, and
 * estimates of growing sets stay within a few standard errors, the sparse form's equal to the dense
 * form's for as long as there is one.
 *
 * Redis takes random numbers and 10 M elements, which stops it for seconds. Here the numbers come
 * from a fixed seed and 100,000 elements do, so that the shard stands still for some 50 ms.
 */
import { Block } from '@hashlane/resp';
import {
  denseRegister,
  HyperLogLogDraft,
  Pattern,
  REGISTERS,
  RegisterSet,
  raiseDense,
} from './hyperloglog.ts';
import { RandomSource } from './random-source.ts';

const REGISTER_ROUNDS = 10;
const ELEMENTS = 100_000;
const SPARSE_BYTES_MAX = 3000;
const ERROR_MAX = (5 * 1.04) / Math.sqrt(REGISTERS);

/** The error to be replied, or undefined when all is well. */
export function selfTest(): string | undefined {
  return testRegisters() ?? testEstimates();
}

function testRegisters(): string | undefined {
  const random = new RandomSource(1);
  const expected = new Uint8Array(REGISTERS);
  const dense = emptyDense();
  for (let round = 0; round < REGISTER_ROUNDS; round++) {
    for (let i = 0; i < REGISTERS; i++) {
      const value = random.below(64);
      raiseDense(dense.block, 0, i, value);
      expected[i] = Math.max(expected[i], value);
    }
    for (let i = 0; i < REGISTERS; i++) {
      const value = denseRegister(dense.block, 0, i);
      if (value !== expected[i]) {
        return `TESTFAILED Register ${i} should be ${expected[i]} but is ${value}`;
      }
    }
  }
  return undefined;
}

function emptyDense(): HyperLogLogDraft {
  const draft = new HyperLogLogDraft();
  draft.create();
  draft.promote();
  return draft;
}

function testEstimates(): string | undefined {
  const sparse = new HyperLogLogDraft();
  sparse.create();
  const dense = emptyDense();
  const pattern = new Pattern();
  const element = Block.allocate(8);
  let checkpoint = 10;
  for (let i = 1; i <= ELEMENTS; i++) {
    element.view.setInt32(0, i, true);
    element.view.setInt32(4, ~i, true);
    pattern.of(element, 0, 8);
    dense.raise(pattern.index, pattern.count, SPARSE_BYTES_MAX);
    sparse.raise(pattern.index, pattern.count, SPARSE_BYTES_MAX);
    if (i < checkpoint) continue;
    checkpoint *= 10;
    const count = countOf(dense);
    if (countOf(sparse) !== count) return 'TESTFAILED dense/sparse disagree';
    // One element more or less is allowed where the relative bound is below that.
    if (Math.abs(count - i) > Math.max(1, Math.ceil(ERROR_MAX * i))) {
      return `TESTFAILED Too big error. card:${i} abserr:${Math.abs(count - i)}`;
    }
  }
  return undefined;
}

function countOf(draft: HyperLogLogDraft): number {
  const registers = new RegisterSet();
  registers.merge(draft.block, 0, draft.length);
  return registers.count();
}

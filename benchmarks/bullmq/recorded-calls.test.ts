import t from 'tap';
import { encodeCommand } from '../resp-client.ts';
import { callsOf, mustBeOf, sequenceOf, shaOf } from './recorded-calls.ts';

const words = (...texts: string[]) => texts.map((text) => Buffer.from(text, 'latin1'));
const TEXT = 'return 1';
const SHA = shaOf(TEXT);

t.test('EVAL becomes EVALSHA, and its text is kept', async (t) => {
  const texts = new Map<string, Buffer>();
  const calls = callsOf(
    [words('eval', TEXT, '1', 'k', 'a\xff'), words('EvalSha', SHA.toUpperCase(), '0')],
    texts,
  );
  t.equal(SHA, 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db');
  t.same([...texts], [[SHA, Buffer.from(TEXT)]]);
  t.same(
    calls.map((call) => call.sha),
    [SHA, SHA],
  );
  t.same(calls[0]!.bytes, encodeCommand('EVALSHA', SHA, '1', 'k', 'a\xff'));
});

t.test('what a connection sends for itself is left out, the rest is kept', async (t) => {
  const requests = [words('hello', '3'), words('client', 'setname', 'x'), words('info')];
  const calls = callsOf([...requests, words('hset', 'bull:q:meta', 'a', '1')], new Map());
  t.same(calls, [{ sha: undefined, bytes: encodeCommand('hset', 'bull:q:meta', 'a', '1') }]);
});

t.test('a sequence knows where its calls end', async (t) => {
  const sequence = sequenceOf(words('abc', '', 'de'));
  t.same(sequence, { bytes: Buffer.from('abcde'), ends: [3, 3, 5] });
});

t.test('a call of another script is noticed', async (t) => {
  const calls = callsOf([words('evalsha', SHA, '0'), words('del', 'x')], new Map());
  t.throws(() => mustBeOf(SHA, 'addLog', calls), /among recorded calls of addLog: .*del/);
  t.equal(mustBeOf(SHA, 'addLog', calls.slice(0, 1)).length, 1);
});

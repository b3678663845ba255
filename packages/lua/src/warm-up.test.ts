/** The warm-up runs to its end, leaves nothing, and has every construct that it is to warm. */
import t from 'tap';
import { metatableOf } from './metatables.ts';
import { parseScript } from './parser.ts';
import { compileScript, createRuntime } from './runtime.ts';
import { WARM_UP_SCRIPTS, warmUp } from './warm-up.ts';

t.test('it ends without an error and leaves no trace', async (t) => {
  createRuntime({ globals: [] });
  const before = metatableOf('');
  let steps = 0;
  for (const _ of warmUp(undefined, 2)) steps++;
  t.equal(steps, 2 * WARM_UP_SCRIPTS.length + 1);
  t.equal(metatableOf(''), before, 'strings have the metatable they had');
  t.same(compileScript('return 1 + 1', 'user_script').run([], []), 2);
});

t.test('every kind of statement and expression is in its scripts', async (t) => {
  const kinds = new Set<string>();
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('owner' in node) return;
    if ('kind' in node) kinds.add(String(node.kind));
    for (const part of Object.values(node)) visit(part);
  };
  for (const script of WARM_UP_SCRIPTS) visit(parseScript(script, 'warm_up').main.body);
  t.same([...kinds].sort(), [
    ...['assign', 'binary', 'break', 'call', 'do', 'false', 'function', 'genericFor', 'global'],
    ...['if', 'index', 'local', 'localFunction', 'nil', 'number', 'numericFor', 'parenthesis'],
    ...['repeat', 'return', 'string', 'table', 'true', 'unary', 'varargs', 'while'],
  ]);
});

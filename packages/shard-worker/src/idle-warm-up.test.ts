/** The warm-up's commands are all right: if not, it would end early and nobody would notice. */
import { RdbValueCodec } from '@hashlane/rdb';
import { warmUpScripts } from '@hashlane/scripting';
import t from 'tap';

t.test('it ends without an error', async (t) => {
  let steps = 0;
  for (const _ of warmUpScripts(new RdbValueCodec())) steps++;
  t.ok(steps > 1);
});

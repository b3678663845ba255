import { readFileSync } from 'node:fs';
import t from 'tap';
import { COMMANDS_PAGE, currentCommandsPage, makeCommandsPage } from './commands-page.ts';

t.test('docs/commands.md is what the tables say: npm run docs writes it anew', async (t) => {
  t.equal(readFileSync(COMMANDS_PAGE, 'utf8'), currentCommandsPage());
});

t.test('a row of the differences marks its command', async (t) => {
  const page = makeCommandsPage(
    '| `OBJECT ENCODING` of a list | why |\n| Order of `KEYS` | why |\n',
  );
  t.match(page, /^\| `OBJECT ENCODING key` \|.* yes \|$/m);
  t.match(page, /^\| `KEYS pattern` \|.* yes \|$/m);
  t.match(page, /^\| `GET key` \| 1\.0\.0 \| 2 \| O\(1\) \|.* \| {2}\|$/m);
  t.match(page, /^\| `OBJECT FREQ key` \|.* \| {2}\|$/m);
  t.notMatch(page, /HASHLANE/);
  const versions = makeCommandsPage('## Redis 7.2 differs from 7.0\n| `GET` | why |\n');
  t.notMatch(versions, / yes \|$/m);
});

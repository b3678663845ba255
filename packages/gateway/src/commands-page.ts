/**
 * docs/commands.md, made from the command tables of core and gateway: `npm run docs` writes it, and
 * commands-page.test.ts fails when it is not what the tables say.
 *
 * Whether a command differs from Redis is read off docs/differences.md, but for what it says of
 * versions of Redis: a row whose first cell begins its code with a command's name is about that
 * command.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COMMAND_METADATA, type CommandMetadata, INTERNAL } from '@hashlane/core/metadata';
import { serverCommands } from './commands/index.ts';

const DOCS = new URL('../../../docs/', import.meta.url);
export const COMMANDS_PAGE = fileURLToPath(new URL('commands.md', DOCS));

/** Headings by the group of the rows, in the order of the page. */
const GROUPS: Readonly<Record<string, string>> = {
  generic: 'Keys of any type',
  string: 'Strings',
  bitmap: 'Bitmaps',
  list: 'Lists',
  hash: 'Hashes',
  set: 'Sets',
  'sorted-set': 'Sorted sets',
  geo: 'Places',
  stream: 'Streams',
  hyperloglog: 'HyperLogLogs',
  pubsub: 'Publish and subscribe',
  transactions: 'Transactions',
  scripting: 'Scripts',
  connection: 'Connections',
  server: 'Server',
};

const INTRODUCTION = `# Commands

Made from the command tables by \`npm run docs\`; do not edit. Texts and \`since\` (the version of Redis
that introduced the command) follow Redis's documentation; names that begin with \`DEBUG\` are for
tests. An arity of *n* is the exact number of words of a command with its name, −*n* the least.
Commands marked *yes* differ from Redis 7.2 in some case: see [differences](differences.md).
`;

function nameOf({ name }: CommandMetadata): string {
  return name.replace('|', ' ');
}

/** Heading of what differs between versions of Redis. */
const VERSIONS = 'Redis 7.2 differs';

/** Names that docs/differences.md has something to say about. */
function differingNames(page: string): ReadonlySet<string> {
  const names = new Set<string>();
  const ours = page.split(/^## /m).filter((section) => !section.startsWith(VERSIONS));
  for (const [, cell = ''] of ours.join('\n').matchAll(/^\| (.*?) \|/gm)) {
    for (const [, code = ''] of cell.matchAll(/`([^`]+)`/g)) {
      const words = code.split(' ');
      names.add(words[0] as string).add(words.slice(0, 2).join(' '));
    }
  }
  return names;
}

/** Text of a table's cell. */
function cell(text: string): string {
  return text.replaceAll(/[|*<]/g, '\\$&');
}

function rowOf(spec: CommandMetadata, differing: ReadonlySet<string>): string {
  const name = nameOf(spec);
  const usage = spec.syntax === '' ? name : `${name} ${readable(spec.syntax)}`;
  const arity = String(spec.arity).replace('-', '−');
  const differs = differing.has(name) ? 'yes' : '';
  const cells = [
    `\`${usage.replaceAll('|', '\\|')}\``,
    spec.since,
    arity,
    spec.complexity,
    spec.summary,
    differs,
  ];
  return `| ${cells.map((text, i) => (i === 0 ? text : cell(text))).join(' | ')} |`;
}

/** Argument types are for programs. */
function readable(syntax: string): string {
  return syntax.replaceAll(/([a-z\d-]):[a-z-]+/g, '$1');
}

function sectionOf(
  title: string,
  specs: readonly CommandMetadata[],
  differing: ReadonlySet<string>,
) {
  const rows = [...specs].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return [
    `## ${title}`,
    '',
    '| Command | Since | Arity | Complexity | What it does | Differs |',
    '|---|---|---|---|---|---|',
    ...rows.map((spec) => rowOf(spec, differing)),
    '',
  ].join('\n');
}

/** The page as the tables say it, from the text of docs/differences.md. */
export function makeCommandsPage(differences: string): string {
  const specs = [...COMMAND_METADATA, ...serverCommands].filter(
    ({ flags }) => (flags & INTERNAL) === 0,
  );
  const differing = differingNames(differences);
  const titles = new Set([...Object.keys(GROUPS), ...specs.map(({ group }) => group)]);
  const sections = [...titles].flatMap((group) => {
    const own = specs.filter((spec) => spec.group === group);
    return own.length === 0 ? [] : [sectionOf(GROUPS[group] ?? group, own, differing)];
  });
  return [INTRODUCTION, ...sections].join('\n');
}

/** The page for the repository as it is. */
export function currentCommandsPage(): string {
  return makeCommandsPage(readFileSync(new URL('differences.md', DOCS), 'utf8'));
}

if (import.meta.main) writeFileSync(COMMANDS_PAGE, currentCommandsPage());

/**
 * Reads deploy/Dockerfile as far as the tests need it: stages of instructions, and what the build
 * context would hold by Dockerfile.dockerignore. No variables but ARG defaults, no heredocs, no
 * parser directives.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

export interface Instruction {
  /** Upper case: COPY, RUN, … */
  readonly name: string;
  /** The rest of the line, continuation lines joined. */
  readonly text: string;
}

/** FROM and what follows it, up to the next FROM. */
export interface Stage {
  readonly from: string;
  readonly alias: string | undefined;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  /** Defaults of the ARGs before the first FROM. */
  readonly args: ReadonlyMap<string, string>;
  readonly stages: readonly Stage[];
}

export function readDockerfile(): Dockerfile {
  const args = new Map<string, string>();
  const stages: { from: string; alias: string | undefined; instructions: Instruction[] }[] = [];
  for (const { name, text } of readInstructions()) {
    if (name === 'FROM') {
      const [image = '', , alias] = text.split(/\s+/);
      const from = image.replaceAll(/\$\{(\w+)\}/g, (_, arg: string) => args.get(arg) ?? '');
      stages.push({ from, alias, instructions: [] });
    } else if (stages.length === 0) {
      const [arg = '', value = ''] = text.split('=');
      args.set(arg, value);
    } else {
      stages.at(-1)?.instructions.push({ name, text });
    }
  }
  return { args, stages };
}

function readInstructions(): Instruction[] {
  return readFileSync(join(root, 'deploy/Dockerfile'), 'utf8')
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', text = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
      return { name: name.toUpperCase(), text };
    });
}

/** Texts of all instructions of a stage with this name. */
export function textsOf(stage: Stage | undefined, name: string): string[] {
  return (stage?.instructions ?? []).filter((one) => one.name === name).map(({ text }) => text);
}

/** The words of an instruction in exec form, such as ENTRYPOINT ["a", "b"]. */
export function execForm(text: string | undefined): string[] {
  const words: unknown = JSON.parse(text ?? 'null');
  if (Array.isArray(words) && words.every((word) => typeof word === 'string')) return words;
  throw new Error(`not in exec form: ${text}`);
}

/** Sources and target of a COPY from the build context; undefined for a COPY between stages. */
export function copyFromContext(
  text: string,
): { readonly sources: string[]; readonly target: string } | undefined {
  if (text.includes('--from=')) return undefined;
  const words = text.split(/\s+/).filter((word) => !word.startsWith('--'));
  return { sources: words.slice(0, -1), target: words.at(-1) ?? '' };
}

/** Files of the build context, relative to the top of the repository. */
export function contextFiles(): string[] {
  const rules = readFileSync(join(root, 'deploy/Dockerfile.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const files: string[] = [];
  const open = [''];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (!isInContext(path, rules)) continue;
      if (entry.isDirectory()) open.push(path);
      else files.push(path);
    }
  }
  return files;
}

/** The last rule that matches a path, or a folder above it, decides. */
function isInContext(path: string, rules: readonly string[]): boolean {
  const parts = path.split('/');
  const prefixes = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
  const last = rules.findLast((rule) => {
    const pattern = rule.replace(/^!/, '');
    return prefixes.some((prefix) => matchesGlob(prefix, pattern));
  });
  return last?.startsWith('!') === true;
}

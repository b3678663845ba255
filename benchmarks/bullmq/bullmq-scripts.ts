// BullMQ's scripts by name, and its way of packing their arguments, from the package itself.
//
// The package offers them to its own classes only; its folders are open, and its version is pinned,
// so they are read where they lie.

import { createRequire } from 'node:module';
import { shaOf } from './recorded-calls.ts';

interface ScriptModule {
  readonly name: string;
  readonly keys: number;
  readonly content: string;
}

interface Packer {
  pack(value: object): Buffer;
}

const require = createRequire(import.meta.url);
const requireOfLibrary = createRequire(require.resolve('bullmq'));

export interface LibraryScript {
  readonly name: string;
  /** Number of its keys. */
  readonly keys: number;
  readonly text: string;
  readonly sha: string;
}

export function libraryScripts(): LibraryScript[] {
  const modules: Record<string, ScriptModule> = require('bullmq/dist/cjs/scripts/index.js');
  return Object.values(modules).map(({ name, keys, content }) => ({
    name,
    keys,
    text: content,
    sha: shaOf(content),
  }));
}

/** MessagePack as BullMQ writes it. */
export function pack(value: object): Buffer {
  const { Packr }: { Packr: new (options: object) => Packer } = requireOfLibrary('msgpackr');
  return new Packr({ useRecords: false, encodeUndefinedAsNil: true }).pack(value);
}

export const BULLMQ_VERSION: string = require('bullmq/package.json').version;

/**
 * What `kubectl kustomize deploy/kubernetes` prints, made by hand, so that the manifests can be
 * tested on a machine without kubectl. It knows the fields that our kustomization.yaml uses and
 * throws on any other: resources, configMapGenerator with files, labels (with selectors and
 * templates), images.
 *
 * One thing differs: the hash at the end of a generated ConfigMap's name is HASH here. Where
 * kubectl is installed kubernetes.test.ts compares the two.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export const HASH = 'hash';

/** An object of the Kubernetes API, or a part of one, as YAML has it. */
export type Tree = { [field: string]: unknown };

const FIELDS = ['apiVersion', 'kind', 'resources', 'configMapGenerator', 'labels', 'images'];

interface Kustomization {
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly {
    readonly name: string;
    readonly files: readonly string[];
  }[];
  readonly labels: readonly { readonly pairs: Readonly<Record<string, string>> }[];
  readonly images: readonly {
    readonly name: string;
    readonly newName: string;
    readonly newTag: string;
  }[];
}

/** All objects, in the order of the resources, generated ones last. */
export function buildKustomization(folder: string): Tree[] {
  const text = readFileSync(join(folder, 'kustomization.yaml'), 'utf8');
  const kustomization = parse(text) as Kustomization;
  const unknown = Object.keys(kustomization).filter((field) => !FIELDS.includes(field));
  if (unknown.length > 0) throw new Error(`kustomization.yaml has unknown fields: ${unknown}`);
  const objects = [
    ...kustomization.resources.flatMap((name) => readObjects(join(folder, name))),
    ...kustomization.configMapGenerator.map((spec) => generateConfigMap(folder, spec)),
  ];
  for (const { pairs } of kustomization.labels) for (const one of objects) addLabels(one, pairs);
  for (const { name } of kustomization.configMapGenerator) {
    walk(objects, 'configMap', (map) => rename(map, name));
  }
  for (const { name, newName, newTag } of kustomization.images) {
    walk(objects, 'containers', (containers) => {
      for (const container of containers as unknown as Tree[]) {
        if (container.image === name) container.image = `${newName}:${newTag}`;
      }
    });
  }
  return objects;
}

function readObjects(file: string): Tree[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Tree);
}

function generateConfigMap(
  folder: string,
  { name, files }: { readonly name: string; readonly files: readonly string[] },
): Tree {
  const data = files.map((file) => [basename(file), readFileSync(join(folder, file), 'utf8')]);
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `${name}-${HASH}` },
    data: Object.fromEntries(data),
  };
}

function rename(map: Tree, name: string): void {
  if (map.name === name) map.name = `${name}-${HASH}`;
}

/** The object `at[field]`, made when missing. */
function within(at: Tree, field: string): Tree {
  at[field] ??= {};
  return at[field] as Tree;
}

function addLabels(object: Tree, pairs: Readonly<Record<string, string>>): void {
  Object.assign(within(within(object, 'metadata'), 'labels'), pairs);
  const spec = object.spec as Tree | undefined;
  if (spec === undefined) return;
  if (object.kind === 'Service') Object.assign(within(spec, 'selector'), pairs);
  if (object.kind !== 'StatefulSet') return;
  Object.assign(within(within(spec, 'selector'), 'matchLabels'), pairs);
  const templates = [spec.template as Tree, ...((spec.volumeClaimTemplates as Tree[]) ?? [])];
  for (const template of templates) {
    Object.assign(within(within(template, 'metadata'), 'labels'), pairs);
  }
}

/** Calls `visit` with the value of every field of this name, at any depth. */
function walk(at: unknown, field: string, visit: (value: Tree) => void): void {
  if (typeof at !== 'object' || at === null) return;
  for (const [name, value] of Object.entries(at)) {
    if (name === field) visit(value as Tree);
    walk(value, field, visit);
  }
}

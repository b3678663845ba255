/** deploy/kubernetes: the objects that `kubectl apply -k` would send, checked without a cluster. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StatefulSet } from 'kubernetes-models/apps/v1';
import { ConfigMap, Service } from 'kubernetes-models/v1';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { buildConfiguration, parseCommandLine } from '../packages/gateway/src/command-line.ts';
import { execForm, readDockerfile, root, textsOf } from './dockerfile.fixture.ts';
import { buildKustomization, HASH, type Tree } from './kustomization.fixture.ts';

const folder = join(root, 'deploy/kubernetes');
const objects = buildKustomization(folder);

function objectOf<T>(kind: string, name: string): T {
  const found = objects.find(
    (one) => one.kind === kind && (one.metadata as { name: string }).name === name,
  );
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found as T;
}

const set = new StatefulSet(
  objectOf<Tree & { spec: NonNullable<StatefulSet['spec']> }>('StatefulSet', 'hashlane'),
);
const pod = set.spec!.template.spec!;
const container = pod.containers[0]!;
const services = ['hashlane', 'hashlane-headless'].map(
  (name) => new Service(objectOf<Tree>('Service', name)),
);
const config = new ConfigMap(objectOf<Tree>('ConfigMap', `hashlane-${HASH}`));

/** Bytes of a Kubernetes quantity such as 1Gi. */
function bytesOf(quantity: string | number | undefined): number {
  const [, digits = '0', unit = ''] = /^(\d+)(Ki|Mi|Gi)?$/.exec(String(quantity)) ?? [];
  return Number(digits) * 1024 ** ['', 'Ki', 'Mi', 'Gi'].indexOf(unit);
}

/** The configuration of redis.conf; its directory is not there yet on this machine. */
function readConfiguration() {
  const dir = mkdtempSync(join(tmpdir(), 'hashlane-conf-'));
  try {
    const file = join(dir, 'redis.conf');
    writeFileSync(file, config.data!['redis.conf']!.replace(/^dir \/data$/m, `dir ${dir}`));
    return buildConfiguration({ file, directives: [] }, {}).values;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Objects by kind and name, with the hash of a generated name replaced. */
function comparable(trees: readonly Tree[]): Record<string, Tree> {
  const text = JSON.stringify(trees).replaceAll(/"hashlane-[0-9a-z]{10}"/g, `"hashlane-${HASH}"`);
  return Object.fromEntries(
    (JSON.parse(text) as Tree[]).map((one) => [
      `${one.kind} ${(one.metadata as { name: string }).name}`,
      one,
    ]),
  );
}

t.test('kubectl makes the same objects of the kustomization', async (t) => {
  const { status, stdout, error } = spawnSync('kubectl', ['kustomize', folder], {
    encoding: 'utf8',
  });
  if (error !== undefined) {
    t.comment('left out: kubectl is not installed');
    return;
  }
  t.equal(status, 0);
  const built = parseAllDocuments(stdout).map((document) => document.toJS() as Tree);
  t.same(comparable(built), comparable(objects));
});

t.test('every object is valid by the schemas of the API', async (t) => {
  t.equal(objects.length, 4);
  for (const object of [set, ...services, config]) {
    t.doesNotThrow(() => object.validate(), `${object.kind} ${object.metadata?.name}`);
  }
  const broken = new Service({ spec: { ports: 'none' } } as never);
  t.throws(() => broken.validate(), 'and the schemas do reject');
});

t.test('selectors and references meet what they refer to', async (t) => {
  const labels = set.spec!.template.metadata!.labels!;
  t.match(labels, set.spec!.selector.matchLabels!);
  const portNames = container.ports!.map(({ name }) => name);
  for (const { metadata, spec } of services) {
    t.match(labels, spec!.selector!, `${metadata!.name} selects the pod`);
    for (const { targetPort } of spec!.ports!) t.ok(portNames.includes(String(targetPort)));
  }
  t.equal(objectOf<Service>('Service', set.spec!.serviceName!).spec!.clusterIP, 'None');
  const volumes = [
    ...pod.volumes!.map(({ name }) => name),
    ...set.spec!.volumeClaimTemplates!.map(({ metadata }) => metadata!.name),
  ];
  t.same(container.volumeMounts!.map(({ name }) => name).sort(), volumes.sort());
  const mounted = pod.volumes!.find(({ configMap }) => configMap !== undefined);
  t.equal(mounted!.configMap!.name, config.metadata!.name);
});

t.test('the probes are command lines of hashlane, shorter than their timeouts', async (t) => {
  const { stages } = readDockerfile();
  const [entry] = execForm(textsOf(stages.at(-1), 'ENTRYPOINT').at(-1));
  const probes = { startup: 'live', liveness: 'live', readiness: 'ready' } as const;
  for (const [name, expected] of Object.entries(probes)) {
    const probe = container[`${name as keyof typeof probes}Probe`]!;
    const [program, ...words] = probe.exec!.command!;
    t.equal(program, entry, `${name}: the image's executable`);
    const command = parseCommandLine(words, {});
    t.match(command, { name: 'ping', ping: { probe: expected, port: 6379 } }, `${name}: ping`);
    if (command.name !== 'ping') continue;
    t.ok(command.ping.timeoutMs < probe.timeoutSeconds! * 1000, `${name}: answers in time`);
  }
});

t.test('the server is started with the mounted configuration', async (t) => {
  const command = parseCommandLine(container.args!, {});
  const mount = container.volumeMounts!.find(({ name }) => name === 'config');
  t.match(command, { name: 'serve', serve: { file: `${mount!.mountPath}/redis.conf` } });
  const values = readConfiguration();
  t.match(values, { shards: 2, protectedMode: false, maxmemoryPolicy: 'noeviction' });
  t.ok(values.save.length > 0, 'snapshots are written');
  t.match(config.data!['redis.conf'], /^dir \/data$/m);
  t.equal(container.ports![0]!.containerPort, values.port);
});

t.test('data fits in memory, and memory into the limit', async (t) => {
  const limit = bytesOf(container.resources!.limits!.memory);
  const { maxmemory } = readConfiguration();
  t.ok(Number(maxmemory) > 0);
  t.ok(Number(maxmemory) <= 0.7 * limit, 'room for threads, buffers and a snapshot in flight');
  t.equal(bytesOf(container.resources!.requests!.memory), limit, 'memory is not overcommitted');
  const [claim] = set.spec!.volumeClaimTemplates!;
  const storage = bytesOf(claim!.spec!.resources!.requests!.storage);
  t.ok(storage >= 2 * limit, 'the volume holds a snapshot and the one being written');
});

t.test('the pod may do no more than it must', async (t) => {
  t.match(pod.securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  t.match(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  const { stages } = readDockerfile();
  const user = textsOf(stages.at(-1), 'USER').at(-1);
  const { runAsUser, runAsGroup, fsGroup } = pod.securityContext!;
  t.equal(`${runAsUser}:${runAsGroup}`, user, "the image's user, whose compile cache is there");
  t.equal(fsGroup, runAsGroup, 'who may write to the volume');
  t.equal(pod.automountServiceAccountToken, false);
  t.equal(pod.enableServiceLinks, false, 'no HASHLANE_PORT=tcp://… from the Service');
});

t.test('a stop has time for a snapshot', async (t) => {
  t.ok(pod.terminationGracePeriodSeconds! >= 60);
  t.equal(set.spec!.replicas, 1);
});

t.test('the password of the Secret is optional', async (t) => {
  const [variable] = container.env!;
  t.equal(variable!.name, 'HASHLANE_REQUIREPASS');
  t.equal(variable!.valueFrom!.secretKeyRef!.optional, true);
  const example = readFileSync(join(root, 'docs/deployment.md'), 'utf8');
  const { name, key } = variable!.valueFrom!.secretKeyRef!;
  t.match(example, `create secret generic ${name} --from-literal=${key}=`);
});

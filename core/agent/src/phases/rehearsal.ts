import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StackManifest } from '@stackyard/sdk/manifest';
import { sha256 } from '../artifacts/digest.ts';
import { ARTIFACT_RECORD, type StoredArtifact } from '../artifacts/store.ts';
import type { PhaseOrder } from './order.ts';

/** A stack that does nothing, for the work a runner does once before it gets any. */
export interface Rehearsal {
  readonly order: PhaseOrder;
  readonly artifact: StoredArtifact;
  readonly clear: () => Promise<void>;
}

const manifest: StackManifest = {
  format: 1,
  name: '@stack/rehearsal',
  version: '0.0.0',
  sdk: '0.0.0',
  title: 'Rehearsal',
  services: [
    {
      name: 'nothing',
      title: 'Nothing',
      version: '0.0.0',
      user: 'nobody',
      packages: [],
      requires: { services: [] },
      configs: [],
      components: [
        {
          name: 'nobody',
          title: 'Nobody',
          category: 'client',
          cardinality: '0+',
          configs: [],
          files: [],
          dirs: [],
          lifecycle: ['check'],
          after: [],
          rolling: false,
          timeouts: {},
          idempotent: {},
          health: {},
          links: {},
        },
      ],
      exports: {},
    },
  ],
};

const files = {
  'manifest.json': JSON.stringify(manifest),
  'lifecycle.mjs': `export default { 'nothing/nobody': { phases: { check: async (host) => host.log(host.self.host) } } };\n`,
};

const digest = `sha512-${'0'.repeat(128)}`;

/** Puts it into a directory that the runner has for itself. */
export async function rehearsalIn(parent: string): Promise<Rehearsal> {
  const dir = join(parent, 'rehearsal');
  await mkdir(dir, { mode: 0o700 });
  const digests = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, sha256(text)]));
  const all = { ...files, [ARTIFACT_RECORD]: JSON.stringify({ digest, files: digests }) };
  await Promise.all(Object.entries(all).map(([name, text]) => writeFile(join(dir, name), text)));
  const self = {
    hostComponentId: 'rehearsal',
    service: 'nothing',
    component: 'nobody',
    host: 'nowhere',
    address: '',
    bind: '',
    root: dir,
    ordinal: 1,
    local: true,
  };
  return {
    order: {
      phase: 'check',
      inputs: { self, values: {}, instances: {}, imports: {}, facts: { cpus: 0, memory: 0, disk: 0 } },
      packages: {},
      expectedFiles: {},
      once: [],
      deleteData: false,
      serviceUser: '',
    },
    artifact: { digest, dir },
    clear: () => rm(dir, { recursive: true, force: true }),
  };
}

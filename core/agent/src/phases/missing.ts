import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readManifest, type StoredArtifact } from '../artifacts/store.ts';
import { RECORD_FILE } from '../packages/record.ts';
import { definitionOf, packagesOf, runtimeOf } from './context.ts';
import type { PackageOrder, PhaseOrder } from './order.ts';

/** The packages that a phase needs and the host does not have unpacked: those of the service for its install, Java for any. */
export async function missingPackages(
  order: PhaseOrder,
  artifact: StoredArtifact,
): Promise<({ readonly name: string } & PackageOrder)[]> {
  if (Object.keys(order.packages).length === 0) return [];
  const { inputs } = order;
  const runtime = runtimeOf({ order, inputs });
  if (order.phase !== 'install' && !runtime) return [];
  const { service } = definitionOf(await readManifest(artifact), inputs.self.service, inputs.self.component);
  return [...(order.phase === 'install' ? packagesOf({ order, service, inputs }) : []), ...(runtime ? [runtime] : [])]
    .filter(({ dir }) => !existsSync(join(dir, RECORD_FILE)))
    .flatMap(({ name }) => {
      const ordered = order.packages[name];
      return ordered ? [{ name, ...ordered }] : [];
    });
}

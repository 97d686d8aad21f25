import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readManifest, type StoredArtifact } from '../artifacts/store.ts';
import { RECORD_FILE } from '../packages/record.ts';
import { definitionOf, packagesOf } from './context.ts';
import type { PackageOrder, PhaseOrder } from './order.ts';

/** The packages an install needs and the host does not have unpacked. */
export async function missingPackages(
  order: PhaseOrder,
  artifact: StoredArtifact,
): Promise<({ readonly name: string } & PackageOrder)[]> {
  if (order.phase !== 'install' || Object.keys(order.packages).length === 0) return [];
  const { inputs } = order;
  const { service } = definitionOf(await readManifest(artifact), inputs.self.service, inputs.self.component);
  return packagesOf({ order, service, inputs })
    .filter(({ dir }) => !existsSync(join(dir, RECORD_FILE)))
    .flatMap(({ name }) => {
      const ordered = order.packages[name];
      return ordered ? [{ name, ...ordered }] : [];
    });
}

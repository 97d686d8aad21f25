import { join } from 'node:path';
import type { StackManifest } from '@stackyard/sdk/manifest';
import type { ContractSettings } from './settings.ts';

/** As many hosts as the component asks for that asks for most; three where it is open and an odd number is better. */
export function hostsFor({ services }: StackManifest): number {
  const counts = services.flatMap(({ components }) =>
    components.map(({ cardinality, prefer }) => {
      const least = cardinality === 'all' ? 1 : Number.parseInt(cardinality, 10);
      return prefer === 'odd' && cardinality.endsWith('+') ? Math.max(3, least) : least;
    }),
  );
  return Math.min(9, Math.max(1, ...counts));
}

/** The services of a stack as contract.json wants them added. */
export function addServices({ services }: Pick<StackManifest, 'services'>, settings: ContractSettings) {
  return services.map(({ name }) => addService(name, settings));
}

export function addService(service: string, { place, config }: ContractSettings) {
  const numbers = place[service];
  const components =
    numbers &&
    Object.fromEntries(Object.entries(numbers).map(([name, of]) => [name, of.map((number) => `host${number}`)]));
  const values = config[service];
  return { service, ...(components ? { components } : {}), ...(values ? { config: values } : {}) };
}

/** A stack that contract.json names: a folder relative to the package, else as it is. */
export function stackPath(folder: string, stack: string): string {
  return stack.startsWith('.') ? join(folder, stack) : stack;
}

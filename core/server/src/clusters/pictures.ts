import type { ClusterPicture, Clusters, ClusterService, MetricsEndpoint, PlacedComponent } from '@stackyard/contract';
import { asRunBy, type ClusterState, type HostComponentState, inputsOf, type ServiceState } from '@stackyard/planner';
import { ExpressionError, evaluate } from '@stackyard/sdk/render';
import { readCluster, type StateSources } from '../commands/clusterState.ts';

/** What runs where, for plugins. */
export class ClusterPictures implements Clusters {
  readonly #sources: () => StateSources;

  constructor(sources: () => StateSources) {
    this.#sources = sources;
  }

  async list({ cluster }: { readonly cluster?: string | undefined } = {}): Promise<readonly ClusterPicture[]> {
    const pictures: ClusterPicture[] = [];
    // One after the other: a scraper that looks at a hundred clusters leaves the database to the others.
    for (const name of cluster === undefined ? await this.#names() : [cluster]) {
      const look = await readCluster(name, this.#sources());
      if (look) pictures.push(pictureOf(look.state, look.revision));
    }
    return pictures;
  }

  async #names(): Promise<string[]> {
    const { rows } = await this.#sources().sql.query<{ name: string }>('select name from cluster order by name');
    return rows.map(({ name }) => name);
  }
}

function pictureOf(state: ClusterState, revision: number): ClusterPicture {
  const services = state.services.map((service) => serviceOf(state, service));
  return { id: state.id, name: state.name, revision, services };
}

function serviceOf(state: ClusterState, service: ServiceState): ClusterService {
  const hosts = new Map(state.hosts.map((host) => [host.id, host]));
  const hostComponents = service.hostComponents.flatMap((hostComponent): PlacedComponent[] => {
    const { id, component, ordinal, desired, observed } = hostComponent;
    const host = hosts.get(hostComponent.hostId);
    if (!host) return [];
    const metrics = metricsOf(state, asRunBy(service, hostComponent), { hostComponent, address: host.address });
    const place = { id, component, host: host.name, address: host.address, ordinal, desired, observed };
    return [metrics ? { ...place, metrics } : place];
  });
  const { name, version } = service.stack;
  return { name: service.name, stack: { name, version }, manifest: service.manifest, hostComponents };
}

/** Where it answers now: what was saved since, or belongs to a version that is still to come, it does not know yet. */
function metricsOf(
  state: ClusterState,
  service: ServiceState,
  { hostComponent, address }: { readonly hostComponent: HostComponentState; readonly address: string },
): MetricsEndpoint | undefined {
  const declared = service.manifest.components.find(({ name }) => name === hostComponent.component)?.metrics;
  if (!declared) return undefined;
  try {
    const wanted = inputsOf(state, service, hostComponent.id);
    const inputs = { ...wanted, values: hostComponent.appliedValues ?? wanted.values };
    const port = evaluate(declared.port, { inputs, service: service.manifest, place: 'metrics.port' });
    const real = typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536;
    return real ? { address, port, path: declared.path } : undefined;
  } catch (error) {
    // A port without a value: the plan of its next change says so to who can help.
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

import type { Addition, ClusterState, CommandRequest, ConfigValues, Json, Notice } from '@stackyard/planner';
import type { ConfigManifest, PropertyManifest } from '@stackyard/sdk/manifest';
import { isSealed, secretFault } from '@stackyard/sdk/render';
import { compareBuild } from 'semver';
import { CommandRefusedError } from '../commands/errors.ts';
import type { Seals } from './seals.ts';
import { isSecretView, secretView } from './views.ts';

interface Sealing {
  readonly seals: Seals;
  readonly clusterId: string;
  readonly service: string;
  readonly configs: readonly ConfigManifest[];
  readonly refuse: (notice: Notice) => void;
}

/**
 * A request with every secret in it sealed: from here on nothing on the server sees one. A secret that is sent back as it
 * was read stays what it is.
 *
 * @throws CommandRefusedError for what is no secret; never with the secret
 */
export function sealRequest<R extends CommandRequest>(request: R, state: ClusterState, seals: Seals): R {
  const errors: Notice[] = [];
  const refuse = (notice: Notice): void => void errors.push(notice);
  const sealed = withSeals(
    request,
    (service, configs) => ({ seals, clusterId: state.id, service, configs, refuse }),
    state,
  );
  if (errors.length > 0) throw new CommandRefusedError({ errors });
  return sealed as R;
}

type SealingOf = (service: string, configs: readonly ConfigManifest[]) => Sealing;

function withSeals(request: CommandRequest, sealingOf: SealingOf, state: ClusterState): CommandRequest {
  if (request.command === 'add') {
    const services = request.services.map((addition, index) => {
      const sealing = sealingOf(addition.service, configsOf(state, addition));
      return { ...addition, ...valuesOf(addition, state, sealing, addition.service, `/services/${index}`) };
    });
    return { ...request, services };
  }
  if (request.command !== 'configure' || request.target.service === undefined) return request;
  const { service } = request.target;
  const sealing = sealingOf(service, configsOf(state, { service }));
  return { ...request, ...valuesOf(request, state, sealing, service, '') };
}

type Given = Pick<Addition, 'config' | 'overrides'>;

function valuesOf(
  { config, overrides }: Given,
  state: ClusterState,
  sealing: Sealing,
  name: string,
  at: string,
): Given {
  const service = state.services.find((each) => each.name === name);
  const idOf = (host: string): string => state.hosts.find((each) => each.name === host)?.id ?? host;
  const sealAll = (values: ConfigValues, before: ConfigValues | undefined, pointer: string): ConfigValues =>
    mapValues(values, (own, inConfig) =>
      mapValues(own, (value, property) =>
        sealOne(sealing, { config: inConfig, property, value, before: before?.[inConfig]?.[property], pointer }),
      ),
    );
  return {
    ...(config ? { config: sealAll(config, service?.values, `${at}/config`) } : {}),
    ...(overrides
      ? {
          overrides: mapValues(overrides, (values, host) =>
            sealAll(values, service?.overrides[idOf(host)], `${at}/overrides/${host}`),
          ),
        }
      : {}),
  };
}

interface One {
  readonly config: string;
  readonly property: string;
  readonly value: Json;
  /** What is set there now. */
  readonly before: Json | undefined;
  readonly pointer: string;
}

function sealOne({ configs, clusterId, service, seals, refuse }: Sealing, one: One): Json {
  const { config, property, value, before, pointer } = one;
  const found = secretProperty(configs, config, property);
  if (!found) return value;
  const refused = (message: string): Json => {
    refuse({ code: 'VALUE_SECRET', message, pointer: `${pointer}/${config}/${property}` });
    return value;
  };
  const name = `${property} of ${config}`;
  if (isSecretView(value)) {
    const now = before === undefined ? undefined : secretView(before);
    if (!isSealed(before) || !now) return refused(`${name} is a secret that is not set there: give its text.`);
    const { fingerprint } = value;
    if (fingerprint === undefined || fingerprint === now.fingerprint) return before;
    return refused(
      `${name} is another secret now than the one that was read: give its text, or read the config again.`,
    );
  }
  // Anything but a text is refused with everything else that is wrong with the values.
  if (typeof value !== 'string') return value;
  if (isSealed(value)) {
    return value === before ? value : refused(`${name} is a secret: give its text, not how a server seals it.`);
  }
  const fault = secretFault(found, value);
  return fault === undefined
    ? seals.seal({ clusterId, service, config, property }, value)
    : refused(`${name} ${fault}.`);
}

function secretProperty(
  configs: readonly ConfigManifest[],
  config: string,
  property: string,
): PropertyManifest | undefined {
  const own = configs.find(({ name }) => name === config)?.properties;
  return own?.find(({ name, type }) => name === property && type === 'secret');
}

/** The configs of a service that is there, or of the one that an addition gets: the newest where it names no version. */
function configsOf(state: ClusterState, { service, stack, version }: Addition): readonly ConfigManifest[] {
  const present = state.services.find(({ name }) => name === service);
  if (present) return present.manifest.configs;
  const offers = state.stacks
    .filter(
      (each) => (stack === undefined || each.name === stack) && (version === undefined || each.version === version),
    )
    .flatMap((each) =>
      each.services.filter(({ name }) => name === service).map(({ configs }) => ({ ...each, configs })),
    );
  return offers.toSorted((a, b) => compareBuild(b.version, a.version))[0]?.configs ?? [];
}

function mapValues<T, R>(record: Readonly<Record<string, T>>, map: (value: T, key: string) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}

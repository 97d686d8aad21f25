import type { Phase } from '@stackyard/domain';
import { JAVA_RUNTIME } from '@stackyard/sdk/manifest';
import type {
  ComponentManifest,
  Expression,
  Inputs,
  Json,
  ServiceManifest,
  StackManifest,
} from '@stackyard/sdk/manifest';
import { componentDir, evaluate, openedInputs, packageDir, toText } from '@stackyard/sdk/render';
import type { StoredArtifact } from '../artifacts/store.ts';
import { PhaseError } from '../errors.ts';
import type { PhaseOrder } from './order.ts';

/** What a phase works on: one component of one host, its definition and its values. */
export interface PhaseContext {
  readonly phase: Phase;
  readonly order: PhaseOrder;
  /** With the secrets themselves; in the inputs of the order they are sealed. */
  readonly inputs: Inputs;
  /** All that are there, for what must not contain any. */
  readonly secrets: readonly string[];
  readonly service: ServiceManifest;
  readonly component: ComponentManifest;
  readonly artifact: StoredArtifact;
  /** What the platform keeps of the host component. */
  readonly dir: string;
  /** The system user its files and processes belong to; undefined where everything runs as the agent's own user. */
  readonly user: string | undefined;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export interface PhaseResult {
  outputs: Record<string, string>;
  applied: Record<string, string>;
}

export function phaseContext(from: {
  readonly order: PhaseOrder;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly artifact: StoredArtifact;
  readonly manifest: StackManifest;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}): PhaseContext {
  const { order, secrets = {}, artifact, manifest, signal, log } = from;
  const { self } = order.inputs;
  const { service, component } = definitionOf(manifest, self.service, self.component);
  const inputs = openedInputs(service.configs, order.inputs, secrets);
  const { root, hostComponentId } = self;
  return {
    phase: order.phase,
    order,
    inputs,
    secrets: Object.values(secrets),
    service,
    component,
    artifact,
    dir: componentDir(root, hostComponentId),
    user: userOf({ inputs, service, component }, order.serviceUser),
    signal,
    log,
  };
}

export function definitionOf(
  manifest: StackManifest,
  serviceName: string,
  componentName: string,
): { service: ServiceManifest; component: ComponentManifest } {
  const service = manifest.services.find(({ name }) => name === serviceName);
  const component = service?.components.find(({ name }) => name === componentName);
  if (!service || !component) {
    throw new PhaseError(
      `Stack ${manifest.name} ${manifest.version} defines no component ${serviceName}/${componentName}.`,
    );
  }
  return { service, component };
}

export type Definition = Pick<PhaseContext, 'inputs' | 'service' | 'component'>;

/** The system user of a component. Users are made only where the agent may: as root, on a host that is a whole machine. */
export function userOf({ inputs, service, component }: Definition, wanted = ''): string | undefined {
  const { root, local } = inputs.self;
  const ownsMachine = process.getuid?.() === 0 && root === '/' && !local;
  return ownsMachine ? wanted || (component.user ?? service.user) : undefined;
}

export function valueOf({ inputs, service }: Definition, expression: Expression, place: string): Json {
  return evaluate(expression, { inputs, service, place });
}

export function textOf(definition: Definition, expression: Expression, place: string): string {
  return toText(valueOf(definition, expression, place));
}

/** A package of the service, or the runtime, and where it lies unpacked. */
export interface UnpackedPackage {
  readonly name: string;
  readonly version: string;
  readonly dir: string;
  /** The folder inside the archive; the single top folder when absent. */
  readonly root?: string | undefined;
}

/** The version the server pinned for the host, else the one the definition names. */
export function packagesOf({
  order,
  service,
  inputs,
}: Pick<PhaseContext, 'order' | 'service' | 'inputs'>): UnpackedPackage[] {
  return service.packages.map((manifest) => {
    const version = order.packages[manifest.name]?.version || manifest.version;
    return {
      name: manifest.name,
      version,
      dir: packageDir(inputs.self.root, manifest.name, version),
      root: manifest.root,
    };
  });
}

/** Java as the server brings it, where the host component runs by that. */
export function runtimeOf({ order, inputs }: Pick<PhaseContext, 'order' | 'inputs'>): UnpackedPackage | undefined {
  const ordered = order.packages[JAVA_RUNTIME];
  if (!ordered) return undefined;
  const { version } = ordered;
  return { name: JAVA_RUNTIME, version, dir: packageDir(inputs.self.root, JAVA_RUNTIME, version) };
}

/** Data directories of the component, absolute on the machine. */
export function dataDirsOf(definition: Definition): string[] {
  return definition.component.dirs
    .flatMap((property) => valueOf(definition, { property }, 'dirs'))
    .map(toText)
    .filter((path) => path !== '');
}

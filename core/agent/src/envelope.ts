import { type Phase, PHASES } from '@stackyard/domain';
import {
  type Envelope__Output,
  fromValueMap,
  type Instance__Output,
  type ValueMap__Output,
  type WatchedComponent__Output,
} from '@stackyard/proto';
import type { ConfigValues, Inputs, Instance, Json, Self } from '@stackyard/sdk/manifest';
import { PhaseError } from './errors.ts';
import type { PhaseOrder } from './phases/order.ts';

type Maps = Readonly<Record<string, ValueMap__Output>>;

function fromMaps(maps: Maps): Record<string, Record<string, Json>> {
  return Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, fromValueMap(map)]));
}

/** A command as the phases read it. */
export function orderOf(envelope: Envelope__Output): PhaseOrder {
  const { phase, packages, expectedFiles, once, deleteData, serviceUser } = envelope;
  if (!isPhase(phase)) throw new PhaseError(`This agent knows no phase ${JSON.stringify(phase)}. Update the agent.`);
  const { action, drain } = envelope;
  return {
    phase,
    inputs: inputsOf(envelope),
    packages,
    expectedFiles,
    once,
    deleteData,
    serviceUser,
    ...(action ? { action: { name: action.name, input: fromValueMap(action.input ?? undefined) } } : {}),
    ...(drain ? { drain: { component: drain.component, instances: drain.instances.map(instanceOf) } } : {}),
  };
}

function isPhase(text: string): text is Phase {
  return (PHASES as readonly string[]).includes(text);
}

/** What rendering and expressions depend on, as the server sent it: the same data that the plan was made from. */
function inputsOf(envelope: Envelope__Output): Inputs {
  const { cpus = 0, memory = 0, disk = 0 } = envelope.facts ?? {};
  const lists = Object.entries(envelope.instances).map(([component, { items }]): [string, Instance[]] => [
    component,
    items.map(instanceOf),
  ]);
  return {
    self: selfOf(envelope),
    values: fromMaps(envelope.values),
    instances: Object.fromEntries(lists),
    imports: fromMaps(envelope.imports),
    facts: { cpus, memory, disk },
  };
}

function instanceOf({ host, address, ordinal, overrides, leaving }: Instance__Output): Instance {
  const own: ConfigValues = fromMaps(overrides);
  return {
    host,
    address,
    ordinal,
    ...(Object.keys(own).length > 0 ? { overrides: own } : {}),
    ...(leaving ? { leaving } : {}),
  };
}

/** The inputs of a watched component: enough for its probes. */
export function watchInputsOf(watched: WatchedComponent__Output): Inputs {
  return {
    self: selfOf(watched),
    values: fromMaps(watched.values),
    instances: {},
    imports: {},
    facts: { cpus: 0, memory: 0, disk: 0 },
  };
}

function selfOf({ self, service, component }: Pick<WatchedComponent__Output, 'self' | 'service' | 'component'>): Self {
  const {
    hostComponentId = '',
    host = '',
    address = '',
    bind = '',
    root = '/',
    ordinal = 0,
    local = false,
  } = self ?? {};
  const javaHome = self?.javaHome || undefined;
  return { hostComponentId, service, component, host, address, bind, root, ordinal, local, javaHome };
}

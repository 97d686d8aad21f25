import { randomUUID } from 'node:crypto';
import {
  type ClusterState,
  type CommandRequest,
  inputsOf,
  isBehind,
  layout,
  type LayoutChange,
  type Notice,
  type Plan,
  plan,
  PlanRefusedError,
  stale,
  type StaleHostComponent,
} from '@stackyard/planner';
import type { RenderedFile } from '@stackyard/sdk/manifest';
import type { PlanningStacks } from '../stacks/store.ts';
import { CommandRefusedError } from './errors.ts';
import type { Renderer } from './renderer.ts';

/** A command thought through: what changes, what is rendered, what runs. Nothing is stored yet. */
export interface Planned {
  readonly state: ClusterState;
  readonly next: ClusterState;
  readonly change: LayoutChange;
  /** Files by host component, for those whose configs the command may touch. */
  readonly rendered: ReadonlyMap<string, readonly RenderedFile[]>;
  readonly stale: readonly StaleHostComponent[];
  readonly plan: Plan;
}

/** Commands that can change what is written to a host. */
const rendering: ReadonlySet<CommandRequest['command']> = new Set([
  'add',
  'configure',
  'remove',
  'decommission',
  'recommission',
  'upgrade',
]);
/** Commands that write what was only saved before. */
const catchingUp: ReadonlySet<CommandRequest['command']> = new Set(['start', 'restart']);

/** Rendering a cluster takes its time: what stands as it was saved is not rendered only to be started. */
function needsRendering(state: ClusterState, { command }: CommandRequest): boolean {
  if (rendering.has(command)) return true;
  const isBehind = ({ configVersion, hostComponents }: ClusterState['services'][number]): boolean =>
    hostComponents.some((each) => each.desired !== 'ABSENT' && each.configVersion !== configVersion);
  return catchingUp.has(command) && state.services.some(isBehind);
}

/**
 * @throws CommandRefusedError with every reason at once, each with its place in the request; RenderFailedError for a
 * template that fails.
 */
export async function planCommand(
  state: ClusterState,
  request: CommandRequest,
  { stacks, renderer }: { stacks: PlanningStacks; renderer: Renderer },
): Promise<Planned> {
  try {
    const { change, next } = layout(state, request, { newId: randomUUID });
    const rendered = needsRendering(state, request)
      ? await renderAll(next, { stacks, renderer, upgrading: change.upgrade?.service })
      : new Map<string, readonly RenderedFile[]>();
    const staleOnes = stale(state, next, rendered);
    const planned = plan(state, { change, next }, staleOnes, request);
    const warnings = [
      ...planned.warnings,
      ...(await deprecations(change, stacks)),
      ...(await revocations(next, planned, stacks)),
    ];
    return { state, next, change, rendered, stale: staleOnes, plan: { ...planned, warnings } };
  } catch (error) {
    if (error instanceof PlanRefusedError) throw new CommandRefusedError({ errors: error.problems });
    throw error;
  }
}

/** What is added or moved to a version that its author no longer recommends. */
async function deprecations({ services }: LayoutChange, stacks: PlanningStacks): Promise<Notice[]> {
  const rows = await stacks.list();
  return services.flatMap(({ name: service, stack }) => {
    const message = rows.find(({ digest }) => digest === stack.digest)?.deprecated;
    if (!message) return [];
    const text = `${service} runs from ${stack.name}@${stack.version}, which its author has deprecated: ${message}`;
    return [{ code: 'STACK_DEPRECATED', message: text }];
  });
}

/** Services that something runs for, from a version whose signature proves nothing any more. */
async function revocations({ services }: ClusterState, { tasks }: Plan, stacks: PlanningStacks): Promise<Notice[]> {
  const revoked = await stacks.revoked();
  if (revoked.size === 0) return [];
  const touched = new Set(tasks.map(({ service }) => service));
  return services.flatMap(({ name, stack }) => {
    const signer = revoked.get(stack.digest);
    if (!signer || !touched.has(name)) return [];
    const text = `${name} runs from ${stack.name}@${stack.version}, which ${signer.publisher} signed with the key ${signer.keyId}. That key was revoked since, so anybody may have made this version: ask ${signer.publisher}, and upgrade ${name} to a version that is signed with another key.`;
    return [{ code: 'STACK_REVOKED', message: text }];
  });
}

/**
 * Renders every host component of a cluster, a batch per service. One that still runs another version keeps its files,
 * unless it is about to be upgraded.
 */
export async function renderAll(
  state: ClusterState,
  {
    stacks,
    renderer,
    upgrading,
  }: { stacks: PlanningStacks; renderer: Pick<Renderer, 'render'>; upgrading?: string | undefined },
): Promise<ReadonlyMap<string, readonly RenderedFile[]>> {
  const batches = await Promise.all(
    state.services.map(async (service) =>
      renderer.render({
        service: service.manifest,
        templates: await stacks.templates(service.stack.digest),
        items: service.hostComponents
          .filter((each) => service.name === upgrading || !isBehind(service, each))
          .map(({ id, component }) => ({ hostComponentId: id, component, inputs: inputsOf(state, service, id) })),
      }),
    ),
  );
  return new Map(batches.flatMap((files) => [...files]));
}

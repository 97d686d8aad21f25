import { forEachSuccessor, inputsOf, type TaskGraph } from '@stackyard/planner';
import { hostPath } from '@stackyard/sdk/render';
import { createTwoFilesPatch } from 'diff';
import type { EntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { RenderedText } from '../database/entities.ts';
import type { Planned } from './planning.ts';
import { titleOf } from './title.ts';

const NoticeView = z.object({ code: z.string(), message: z.string(), pointer: z.string().optional() });

/** A plan as people and programs read it: names instead of ids, diffs instead of digests. */
export const PlanView = z
  .object({
    title: z.string(),
    tasks: z.array(
      z.object({
        index: z.int(),
        host: z.string(),
        service: z.string(),
        component: z.string(),
        phase: z.string(),
        runsCode: z.boolean().describe("The stack's own function runs, not only the platform's"),
      }),
    ),
    edges: z.array(z.tuple([z.int(), z.int()])).describe('[before, after] by index; indexes past the tasks are joins: all before it, then all after it'),
    files: z.array(
      z.object({
        host: z.string(),
        service: z.string(),
        component: z.string(),
        path: z.string(),
        change: z.enum(['create', 'change']),
        diff: z.string().describe('Unified diff against what was last applied'),
      }),
    ),
    restarts: z.array(z.object({ host: z.string(), service: z.string(), component: z.string(), reason: z.string() })),
    hosts: z.array(z.string()).describe('Hosts that a task runs on'),
    joiningHosts: z.array(z.string()),
    added: z.array(z.object({ host: z.string(), service: z.string(), component: z.string(), ordinal: z.int() })),
    removed: z.array(z.object({ host: z.string(), service: z.string(), component: z.string(), ordinal: z.int(), data: z.enum(['keep', 'delete']), directories: z.array(z.string()) })),
    warnings: z.array(NoticeView),
    skipped: z.array(z.object({ host: z.string(), service: z.string(), component: z.string(), reason: z.string() })),
  })
  .meta({ id: 'PlanView' });
export type PlanView = z.infer<typeof PlanView>;

/** Shows at most this many bytes of one diff. */
const DIFF_LIMIT = 65_536;

export async function viewOf(planned: Planned, em: EntityManager): Promise<PlanView> {
  const { plan, state, change } = planned;
  const names = namesOf(planned);
  const data = plan.request.command === 'remove' ? plan.request.data : 'keep';
  return {
    title: titleOf(planned),
    tasks: plan.tasks.map((task, index) => ({
      index,
      host: names.host(task.hostId),
      service: task.service,
      component: task.component,
      phase: task.phase,
      runsCode: task.runsCode,
    })),
    edges: edgesOf(plan.graph),
    files: await diffs(planned, em),
    restarts: plan.restarts.map((id) => ({ ...names.of(id), reason: reasonOf(planned, id) })),
    hosts: plan.hosts.map(names.host),
    joiningHosts: change.joiningHosts.map(names.host),
    added: change.addedHostComponents.map((id) => ({ ...names.of(id), ordinal: names.ordinal(id) })),
    removed: change.removedHostComponents.map((id) => ({ ...names.of(id), ordinal: names.ordinal(id), data, directories: directoriesOf(state, id) })),
    warnings: [...change.warnings, ...plan.warnings],
    skipped: plan.skipped.map(({ hostComponentId, reason }) => ({ ...names.of(hostComponentId), reason })),
  };
}

function namesOf({ state, next }: Planned) {
  const hosts = new Map(next.hosts.map(({ id, name }) => [id, name]));
  const all = new Map([...state.services, ...next.services].flatMap(({ hostComponents }) => hostComponents.map((each) => [each.id, each] as const)));
  const host = (id: string) => hosts.get(id) ?? id;
  return {
    host,
    ordinal: (id: string) => all.get(id)?.ordinal ?? 0,
    of: (id: string) => {
      const found = all.get(id);
      return { host: host(found?.hostId ?? ''), service: found?.service ?? '', component: found?.component ?? '' };
    },
  };
}

/** Pairs of nodes; those from `tasks.length` on are joins, so that the view stays as small as the graph. */
function edgesOf(graph: TaskGraph): [number, number][] {
  const edges: [number, number][] = [];
  for (let node = 0; node < graph.nodes; node++) forEachSuccessor(graph, node, (successor) => edges.push([node, successor]));
  return edges;
}

async function diffs({ next, rendered, stale, change }: Planned, em: EntityManager): Promise<PlanView['files']> {
  const wanted = new Map<string, ReadonlySet<string> | undefined>(change.addedHostComponents.map((id) => [id, undefined]));
  for (const { hostComponentId, changed } of stale) wanted.set(hostComponentId, new Set(changed));
  const files: PlanView['files'] = [];
  const before = await textsBefore(next, wanted, em);
  for (const service of next.services) {
    for (const hostComponent of service.hostComponents) {
      if (!wanted.has(hostComponent.id)) continue;
      const paths = wanted.get(hostComponent.id);
      const host = next.hosts.find(({ id }) => id === hostComponent.hostId)?.name ?? hostComponent.hostId;
      for (const { path, content } of rendered.get(hostComponent.id) ?? []) {
        if (paths && !paths.has(path)) continue;
        const old = hostComponent.applied?.[path];
        const diff = createTwoFilesPatch(old ? `a${path}` : '/dev/null', `b${path}`, old ? (before.get(old) ?? '') : '', content, '', '', { context: 3 });
        files.push({ host, service: service.name, component: hostComponent.component, path, change: old ? 'change' : 'create', diff: diff.slice(0, DIFF_LIMIT) });
      }
    }
  }
  return files;
}

async function textsBefore(next: Planned['next'], wanted: ReadonlyMap<string, unknown>, em: EntityManager): Promise<Map<string, string>> {
  const digests = next.services
    .flatMap(({ hostComponents }) => hostComponents)
    .filter(({ id }) => wanted.has(id))
    .flatMap(({ applied }) => Object.values(applied ?? {}));
  const rows = await em.find(RenderedText, { digest: { $in: [...new Set(digests)] } });
  return new Map(rows.map(({ digest, content }) => [digest, content]));
}

function reasonOf({ stale, plan }: Planned, id: string): string {
  const entry = stale.find(({ hostComponentId }) => hostComponentId === id);
  return entry ? `${entry.changed.length} file${entry.changed.length === 1 ? '' : 's'} changed` : `${plan.request.command} was asked for`;
}

/** The data directories of a host component, as paths on its host. */
function directoriesOf(state: Planned['state'], id: string): string[] {
  for (const service of state.services) {
    const hostComponent = service.hostComponents.find((each) => each.id === id);
    if (!hostComponent) continue;
    const component = service.manifest.components.find(({ name }) => name === hostComponent.component);
    const { values, self } = inputsOf(state, service, id);
    return (component?.dirs ?? []).map(({ config, property }) => hostPath(self.root, String(values[config]?.[property])));
  }
  return [];
}

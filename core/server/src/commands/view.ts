import { isLeaving, type Leaving } from '@stackyard/domain';
import { forEachSuccessor, inputsOf, type TaskGraph } from '@stackyard/planner';
import { hostPath, withShortSeals } from '@stackyard/sdk/render';
import { createTwoFilesPatch } from 'diff';
import type { EntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { RenderedText } from '../database/entities.ts';
import { readable } from '../secrets/views.ts';
import type { Planned } from './planning.ts';
import { titleOf } from './title.ts';

export const NoticeView = z.object({ code: z.string(), message: z.string(), pointer: z.string().optional() });

const VersionView = z.object({
  stack: z.string(),
  version: z.string().describe("The stack's"),
  product: z.string(),
});

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
    edges: z
      .array(z.tuple([z.int(), z.int()]))
      .describe('[before, after] by index; indexes past the tasks are joins: all before it, then all after it'),
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
    reasons: z.record(z.string(), z.string()).describe('By service/component that the planner placed: why there'),
    removed: z.array(
      z.object({
        host: z.string(),
        service: z.string(),
        component: z.string(),
        ordinal: z.int(),
        data: z.enum(['keep', 'delete']),
        directories: z.array(z.string()),
      }),
    ),
    leaving: z
      .array(z.object({ host: z.string(), service: z.string(), component: z.string(), ordinal: z.int() }))
      .describe('Host components that begin to leave'),
    returning: z
      .array(z.object({ host: z.string(), service: z.string(), component: z.string(), ordinal: z.int() }))
      .describe('Host components that are taken in again'),
    osPackages: z
      .array(
        z.object({
          host: z.string(),
          service: z.string(),
          packages: z.array(z.string()),
          installs: z.boolean().describe('False where the agent has no root rights: they have to be there already'),
        }),
      )
      .describe('Packages of the operating system, installed where they are missing'),
    profiles: z
      .array(
        z.object({
          service: z.string(),
          profile: z.string(),
          help: z.string(),
          values: z.record(z.string(), z.record(z.string(), z.unknown())).describe('That come from it'),
        }),
      )
      .describe('Sizes that services are taken by'),
    java: z
      .array(
        z.object({
          host: z.string(),
          service: z.string(),
          home: z.string(),
          version: z.string(),
          packaged: z.boolean().describe("The server's runtime, unpacked there because no JDK of the host suits"),
          reason: z.string(),
        }),
      )
      .describe('Which JDK a service will use on a host'),
    danger: z.string().nullable().describe('What may be lost: running it asks for agreement'),
    upgrade: z
      .object({
        service: z.string(),
        back: z.boolean().describe('To an older version'),
        from: VersionView,
        to: VersionView,
        packages: z.array(z.object({ name: z.string(), version: z.string() })).describe('To be fetched and unpacked'),
        properties: z.array(
          z.object({
            config: z.string(),
            property: z.string(),
            change: z
              .enum(['new', 'gone', 'returned', 'default', 'kept'])
              .describe(
                'gone: its value is laid aside; returned: that value is in use again; kept: only its default moved',
              ),
            before: z.unknown().optional(),
            after: z.unknown().optional(),
          }),
        ),
        newComponents: z.array(z.string()).describe('To be added when they are wanted'),
      })
      .optional()
      .describe('Of an upgrade: from which version to which, and what that changes'),
    turns: z
      .object({
        tolerate: z.int(),
        batches: z.array(
          z.object({ service: z.string(), component: z.string(), hosts: z.array(z.string()), pauses: z.boolean() }),
        ),
      })
      .optional()
      .describe('Batches in their order, where turns were asked for'),
    warnings: z.array(NoticeView),
    skipped: z.array(z.object({ host: z.string(), service: z.string(), component: z.string(), reason: z.string() })),
  })
  .meta({ id: 'PlanView' });
export type PlanView = z.infer<typeof PlanView>;

/** Characters of one diff, and of all diffs of a plan, before the rest is left out. */
const DIFF_LIMIT = 65_536;
const DIFFS_LIMIT = 4_194_304;
const LEFT_OUT = '… the rest is not shown: the plan is too large\n';

export async function viewOf(planned: Planned, em: EntityManager): Promise<PlanView> {
  const { plan, state, change } = planned;
  const names = namesOf(planned);
  const { request } = plan;
  // On a lost host nothing can be deleted.
  const data = request.command === 'remove' && !request.lost ? request.data : 'keep';
  const changedFiles = new Map(planned.stale.map(({ hostComponentId, changed }) => [hostComponentId, changed.length]));
  const directories = directoriesOf(state, new Set(change.removedHostComponents));
  const placesOf = (ways: Planned['change']['leaving'], wanted: (way: Leaving | undefined) => boolean) =>
    [...ways].filter(([, way]) => wanted(way)).map(([id]) => ({ ...names.of(id), ordinal: names.ordinal(id) }));
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
    restarts: plan.restarts.map((id) => ({
      ...names.of(id),
      reason: reasonOf(plan.request.command, changedFiles.get(id)),
    })),
    hosts: plan.hosts.map(names.host),
    joiningHosts: change.joiningHosts.map(names.host),
    added: change.addedHostComponents.map((id) => ({ ...names.of(id), ordinal: names.ordinal(id) })),
    reasons: { ...change.reasons },
    removed: change.removedHostComponents.map((id) => ({
      ...names.of(id),
      ordinal: names.ordinal(id),
      data,
      directories: directories.get(id) ?? [],
    })),
    leaving: placesOf(change.leaving, isLeaving),
    returning: placesOf(change.leaving, (leaving) => !isLeaving(leaving)),
    osPackages: plan.osPackages.map(({ hostId, service, packages }) => ({
      host: names.host(hostId),
      service,
      packages: [...packages],
      installs: planned.next.hosts.find(({ id }) => id === hostId)?.privileged ?? false,
    })),
    profiles: profilesOf(planned),
    java: plan.java.map(({ hostId, ...java }) => ({ host: names.host(hostId), ...java })),
    danger: plan.danger ?? null,
    ...upgradeOf(planned),
    ...turnsOf(planned, names.host),
    warnings: [...change.warnings, ...plan.warnings],
    skipped: plan.skipped.map(({ hostComponentId, reason }) => ({ ...names.of(hostComponentId), reason })),
  };
}

/** Each profile with what comes from it: what the request says itself stands above it. */
function profilesOf({ next, change: { profiles } }: Planned): PlanView['profiles'] {
  return Object.entries(profiles).map(([service, { name, help, values }]) => {
    const stored = next.services.find((each) => each.name === service)?.values ?? {};
    const own = Object.entries(values).map(([config, properties]) => {
      const kept = Object.entries(properties).filter(
        ([property, value]) => JSON.stringify(stored[config]?.[property]) === JSON.stringify(value),
      );
      return [config, Object.fromEntries(kept)] as const;
    });
    return {
      service,
      profile: name,
      help,
      values: Object.fromEntries(own.filter(([, kept]) => Object.keys(kept).length > 0)),
    };
  });
}

function upgradeOf({ state, next, change: { upgrade } }: Planned): Pick<PlanView, 'upgrade'> {
  if (!upgrade) return {};
  const packagesOf = (from: Planned['state']) =>
    from.services.find(({ name }) => name === upgrade.service)?.manifest.packages ?? [];
  const there = new Set(packagesOf(state).map(({ name, version }) => `${name} ${version}`));
  const version = ({ stack, product }: typeof upgrade.from) => ({ stack: stack.name, version: stack.version, product });
  return {
    upgrade: {
      service: upgrade.service,
      back: upgrade.back,
      from: version(upgrade.from),
      to: version(upgrade.to),
      packages: packagesOf(next)
        .filter(({ name, version: packageVersion }) => !there.has(`${name} ${packageVersion}`))
        .map(({ name, version: packageVersion }) => ({ name, version: packageVersion })),
      properties: upgrade.properties.map(({ before, after, ...property }) => ({
        ...property,
        ...(before === undefined ? {} : { before: readable(before) }),
        ...(after === undefined ? {} : { after: readable(after) }),
      })),
      newComponents: [...upgrade.newComponents],
    },
  };
}

/** Batches of turns; those of installs, which stop nothing, are none. */
function turnsOf({ plan }: Planned, host: (id: string) => string): Pick<PlanView, 'turns'> {
  if (!plan.turns) return {};
  const { tolerate, sequences } = plan.turns;
  const batches = sequences.flat().flatMap(({ tasks, pauses }) => {
    const all = tasks.map((task) => plan.tasks[task]!);
    const [first] = all;
    if (!first || all.every(({ phase }) => phase === 'install')) return [];
    const { service, component } = first;
    return [{ service, component, hosts: [...new Set(all.map(({ hostId }) => host(hostId)))], pauses }];
  });
  return { turns: { tolerate, batches } };
}

function namesOf({ state, next }: Planned) {
  const hosts = new Map(next.hosts.map(({ id, name }) => [id, name]));
  const all = new Map(
    [...state.services, ...next.services].flatMap(({ hostComponents }) =>
      hostComponents.map((each) => [each.id, each] as const),
    ),
  );
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
  for (let node = 0; node < graph.nodes; node++)
    forEachSuccessor(graph, node, (successor) => edges.push([node, successor]));
  return edges;
}

async function diffs({ next, rendered, stale, change, plan }: Planned, em: EntityManager): Promise<PlanView['files']> {
  const wanted = new Map<string, ReadonlySet<string> | undefined>(
    change.addedHostComponents.map((id) => [id, undefined]),
  );
  const runs = plan.request.command === 'start' || plan.request.command === 'restart';
  const written = new Set(
    plan.tasks.flatMap(({ phase, hostComponentId }) => (phase === 'configure' ? [hostComponentId] : [])),
  );
  for (const { hostComponentId, changed } of stale) {
    if (!runs || written.has(hostComponentId)) wanted.set(hostComponentId, new Set(changed));
  }
  const files: PlanView['files'] = [];
  const before = await textsBefore(next, wanted, em);
  const hosts = new Map(next.hosts.map(({ id, name }) => [id, name]));
  let shown = 0;
  for (const service of next.services) {
    for (const hostComponent of service.hostComponents) {
      if (!wanted.has(hostComponent.id)) continue;
      const paths = wanted.get(hostComponent.id);
      const host = hosts.get(hostComponent.hostId) ?? hostComponent.hostId;
      for (const { path, content } of rendered.get(hostComponent.id) ?? []) {
        if (paths && !paths.has(path)) continue;
        const old = hostComponent.applied?.[path];
        const diff =
          shown < DIFFS_LIMIT
            ? diffOf(path, old === undefined ? undefined : (before.get(old) ?? ''), content)
            : LEFT_OUT;
        shown += diff.length;
        files.push({
          host,
          service: service.name,
          component: hostComponent.component,
          path,
          change: old === undefined ? 'create' : 'change',
          diff,
        });
      }
    }
  }
  return files;
}

async function textsBefore(
  next: Planned['next'],
  wanted: ReadonlyMap<string, unknown>,
  em: EntityManager,
): Promise<Map<string, string>> {
  const digests = next.services
    .flatMap(({ hostComponents }) => hostComponents)
    .filter(({ id }) => wanted.has(id))
    .flatMap(({ applied }) => Object.values(applied ?? {}));
  const rows = await em.find(RenderedText, { digest: { $in: [...new Set(digests)] } });
  return new Map(rows.map(({ digest, content }) => [digest, content]));
}

function diffOf(path: string, before: string | undefined, after: string): string {
  const diff = createTwoFilesPatch(
    before === undefined ? '/dev/null' : `a${path}`,
    `b${path}`,
    withShortSeals(before ?? ''),
    withShortSeals(after),
    '',
    '',
    { context: 3 },
  );
  return diff.length <= DIFF_LIMIT ? diff : `${diff.slice(0, diff.lastIndexOf('\n', DIFF_LIMIT) + 1)}${LEFT_OUT}`;
}

function reasonOf(command: string, files: number | undefined): string {
  return files === undefined
    ? `${command} was asked for`
    : files === 0
      ? 'it is started with other values'
      : `${files} file${files === 1 ? '' : 's'} changed`;
}

/** A `dir` is a text; anything else was refused when it was set. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The data directories of host components, as paths on their hosts. */
function directoriesOf(state: Planned['state'], ids: ReadonlySet<string>): ReadonlyMap<string, string[]> {
  const found = new Map<string, string[]>();
  for (const service of state.services) {
    const components = new Map(service.manifest.components.map((component) => [component.name, component]));
    for (const { id, component } of service.hostComponents) {
      if (!ids.has(id)) continue;
      const { values, self } = inputsOf(state, service, id);
      found.set(
        id,
        (components.get(component)?.dirs ?? [])
          .flatMap(({ config, property }) => values[config]?.[property] ?? [])
          .map((path) => hostPath(self.root, textOf(path))),
      );
    }
  }
  return found;
}

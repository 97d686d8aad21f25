import type { NeighbourManifest, StackManifest } from '../manifest/manifest.ts';

interface Need {
  readonly id: string;
  readonly name: string;
  readonly count: number;
  readonly isEverywhere: boolean;
  readonly near: readonly string[];
  readonly apart: readonly string[];
}

/** Hosts for every component, by its name: as many as it asks for, with and without the neighbours that it asks for. */
export function standardHosts({ services }: StackManifest): Readonly<Record<string, readonly string[]>> {
  const needs = services.flatMap((service) =>
    service.components.map(({ name, cardinality, prefer, with: near = [], notWith = [] }): Need => {
      const full = ({ component }: NeighbourManifest): string =>
        component.includes('/') ? component : `${service.name}/${component}`;
      const least = Math.max(1, Number.parseInt(cardinality, 10) || 1);
      const count = prefer === 'odd' && cardinality.endsWith('+') ? Math.max(3, least) : least;
      return {
        id: `${service.name}/${name}`,
        name,
        count,
        isEverywhere: cardinality === 'all',
        near: near.map(full),
        apart: notWith.map(full),
      };
    }),
  );
  const byId = new Map(needs.map((need) => [need.id, need]));
  const countOf = (need: Need): number =>
    Math.max(
      need.count,
      ...needs.filter((other) => other !== need && other.near.includes(need.id)).map((other) => other.count),
    );
  const hosts = new Map<string, Set<string>>();
  const isAllowed = (need: Need, there: ReadonlySet<string>): boolean =>
    need.near.every((id) => there.has(id) || byId.get(id)?.isEverywhere === true || !byId.has(id)) &&
    ![...there].some((id) => need.apart.includes(id) || byId.get(id)?.apart.includes(need.id) === true);
  for (const need of inOrder(needs).filter(({ isEverywhere }) => !isEverywhere)) {
    const fitting = [...hosts].filter(([, there]) => isAllowed(need, there)).map(([host]) => host);
    const more = Math.max(0, countOf(need) - fitting.length);
    const added = Array.from({ length: more }, (_, index) => `h${hosts.size + 1 + index}`);
    for (const host of [...fitting, ...added].slice(0, countOf(need))) {
      hosts.set(host, (hosts.get(host) ?? new Set()).add(need.id));
    }
  }
  if (hosts.size === 0) for (const host of ['h1', 'h2', 'h3']) hosts.set(host, new Set());
  for (const need of needs.filter(({ isEverywhere }) => isEverywhere))
    for (const there of hosts.values()) there.add(need.id);
  return Object.fromEntries(
    needs.map(({ id, name }) => [name, [...hosts].filter(([, there]) => there.has(id)).map(([host]) => host)]),
  );
}

/** Those that others have to be with come first. */
function inOrder(needs: readonly Need[]): Need[] {
  const done = new Set<Need>();
  const visit = (need: Need, asking: readonly Need[] = []): void => {
    if (done.has(need) || asking.includes(need)) return;
    for (const other of needs) if (need.near.includes(other.id)) visit(other, [...asking, need]);
    done.add(need);
  };
  for (const need of needs) visit(need);
  return [...done];
}

/** Whether two components may ever share a host. */
export function mayMeet({ services }: StackManifest, a: string, b: string): boolean {
  const apartOf = (id: string): readonly string[] => {
    const [service, name] = id.split('/');
    const found = services.find((each) => each.name === service)?.components.find((each) => each.name === name);
    return (found?.notWith ?? []).map(({ component }) =>
      component.includes('/') ? component : `${service}/${component}`,
    );
  };
  return a === b || !(apartOf(a).includes(b) || apartOf(b).includes(a));
}

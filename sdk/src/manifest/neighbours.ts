import type { StackProblem } from '../define/errors.ts';
import type { ComponentManifest, StackManifest } from './manifest.ts';

interface Placed {
  readonly name: string;
  readonly component: ComponentManifest;
  readonly min: number;
  readonly max: number;
  readonly isEverywhere: boolean;
  /** Full names of those that must be on each of its hosts, and of those that must not. */
  readonly near: readonly string[];
  readonly apart: readonly string[];
}

/** Rules of placement that no cluster can satisfy, once the component is there at all. */
export function neighbourProblems({ services }: StackManifest): StackProblem[] {
  const all = services.flatMap((service) =>
    service.components.map((component): Placed => {
      const full = ({ component: name }: { readonly component: string }): string =>
        name.includes('/') ? name : `${service.name}/${name}`;
      const { cardinality, with: near = [], notWith = [] } = component;
      return {
        name: `${service.name}/${component.name}`,
        component,
        ...bounds(cardinality),
        isEverywhere: cardinality === 'all',
        near: near.map(full),
        apart: notWith.map(full),
      };
    }),
  );
  const byName = new Map(all.map((placed) => [placed.name, placed]));
  const isApart = (a: Placed, b: Placed): boolean => a.apart.includes(b.name) || b.apart.includes(a.name);
  return all.flatMap((placed) => {
    const found: StackProblem[] = [];
    const refuse = (reason: string, remedy: string): void => void found.push({ where: placed.name, reason, remedy });
    const together = closure(placed, byName);
    if (placed.apart.includes(placed.name) && placed.max > 1) {
      refuse('it must not be with itself, which a host component never is', 'drop it from "notWith"');
    }
    for (const other of together) {
      if (placed.min > other.max) {
        refuse(
          `it is on at least ${placed.min} hosts, and only with ${other.name}, which is on ${other.max} at most`,
          'change a cardinality, or drop it from "with"',
        );
      }
      if (placed.isEverywhere && !other.isEverywhere && Number.isFinite(other.max)) {
        refuse(
          `it is on every host, and only with ${other.name}, which is on ${other.max} at most`,
          'change a cardinality, or drop it from "with"',
        );
      }
      if (isApart(placed, other)) {
        refuse(`it must be with ${other.name}, and must not`, 'drop it from "with" or from "notWith"');
      }
      const torn = together.find((third) => third.name > other.name && isApart(other, third));
      if (torn) {
        refuse(`it must be with ${other.name} and ${torn.name}, which must not be together`, 'drop one of the rules');
      }
    }
    const everywhere = all.find((other) => other.isEverywhere && other !== placed && isApart(placed, other));
    if (everywhere && !together.includes(everywhere) && (placed.min > 0 || placed.isEverywhere)) {
      refuse(
        `it must not be with ${everywhere.name}, which is on every host`,
        'change a cardinality, or drop the rule',
      );
    }
    return found;
  });
}

/** All that must be where the component is, because of one another. */
function closure(start: Placed, byName: ReadonlyMap<string, Placed>): Placed[] {
  const found = new Set<Placed>();
  const todo = [start];
  for (let next = todo.pop(); next; next = todo.pop()) {
    for (const name of next.near) {
      const other = byName.get(name);
      if (!other || other === start || found.has(other)) continue;
      found.add(other);
      todo.push(other);
    }
  }
  return [...found];
}

function bounds(cardinality: string): { readonly min: number; readonly max: number } {
  if (cardinality === 'all') return { min: 1, max: Infinity };
  if (cardinality.endsWith('+')) return { min: Number.parseInt(cardinality, 10), max: Infinity };
  const [min = 0, max = min] = cardinality.split('-').map(Number);
  return { min, max };
}

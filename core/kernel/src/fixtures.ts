import { definePlugin, type Plugin, type PluginDefinition } from './plugin.ts';
import { provide } from './provide.ts';
import { type Dependency, type Token, token } from './token.ts';

/** The world of the kernel's tests: someone who greets, politely or not. */
export interface Greeter {
  greet(name: string): string;
}
export const Greeter = token<Greeter>('test.Greeter');

/** An extension point of the tests. */
export interface Ending {
  readonly text: string;
}
export const Ending = token<Ending>('test.Ending');

/** A new class that takes `dependencies` and counts how often it is made. */
export function classTaking(name: string, ...dependencies: readonly Dependency<unknown>[]) {
  const made: unknown[][] = [];
  const cls = {
    [name]: class {
      readonly given: readonly unknown[];
      constructor(...given: unknown[]) {
        this.given = given;
        made.push(given);
      }
    },
  }[name]!;
  provide(cls, ...dependencies);
  return Object.assign(cls, { made });
}

/** Two tokens and their classes, where each class takes the other token. */
export function pairThatNeedsEachOther() {
  const a = token<object>('test.A');
  const b = token<object>('test.B');
  return { a, b, A: classTaking('A', b), B: classTaking('B', a) };
}

/** A plugin that writes into `journal` when it starts and when it stops. */
export function journaling(
  journal: string[],
  id: string,
  more: Partial<PluginDefinition> & { provides?: Token<object> } = {},
): Plugin {
  const { provides, ...definition } = more;
  return definePlugin({
    id,
    ...(provides && { register: (plugin) => plugin.value(provides, {}) }),
    start() {
      journal.push(`start ${id}`);
      return () => void journal.push(`stop ${id}`);
    },
    ...definition,
  });
}

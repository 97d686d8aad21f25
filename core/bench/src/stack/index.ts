import { after, defineComponent, defineService, defineStack } from '@stackyard/sdk';

const nothing = (): void => undefined;
const lifecycle = { init: nothing, start: nothing, prepare: nothing, check: nothing, stop: nothing };

const [first, ...others] = Array.from({ length: 10 }, (_, index) => `part${index}`);
const leader = part(first!);

/** As many no-op tasks as wanted: ten components, on every host of a cluster, those after the first started after it. */
export default defineStack({
  services: [
    defineService('wide', {
      title: 'Wide',
      version: '1.0.0',
      user: 'wide',
      components: [leader, ...others.map((name) => part(name, leader))],
    }),
  ],
});

function part(name: string, before?: ReturnType<typeof defineComponent>) {
  return defineComponent(name, {
    title: name,
    category: 'server',
    cardinality: 'all',
    lifecycle,
    ...(before ? { after: [after(before)] } : {}),
  });
}

import { defineComponent, defineService, defineStack } from '@stackyard/sdk';

/** A check prints lines of a hundred bytes, as fast as whoever reads them takes them. */
function printing(mebibytes: number) {
  const component = defineComponent('printer', {
    title: `${mebibytes} MiB`,
    category: 'server',
    cardinality: '1+',
    lifecycle: {
      check: async (host) => {
        await host.script('scripts/print.sh', { BYTES: String(mebibytes * 2 ** 20) });
      },
    },
  });
  const name = `print${mebibytes}`;
  return defineService(name, { title: name, version: '1.0.0', user: name, components: [component] });
}

export default defineStack({ services: [printing(16), printing(60)] });

import { defineComponent, defineService, defineStack } from '@stackyard/sdk';

const nothing = (): void => undefined;
const lifecycle = { init: nothing, start: nothing, prepare: nothing, check: nothing, stop: nothing };

/** As many no-op tasks as wanted: ten services, each with a component on every host of its cluster. */
export default defineStack({
  services: Array.from({ length: 10 }, (_, index) => {
    const name = `part${index}`;
    const component = defineComponent('worker', { title: name, category: 'server', cardinality: 'all', lifecycle });
    return defineService(name, { title: name, version: '1.0.0', user: name, components: [component] });
  }),
});

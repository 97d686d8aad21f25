import { defineComponent, defineService, defineStack } from '@stackyard/sdk';

const nothing = (): void => undefined;
const lifecycle = { init: nothing, start: nothing, prepare: nothing, check: nothing, stop: nothing };
const [first, ...others] = ['part0', 'part1', 'part2', 'part3', 'part4', 'part5', 'part6', 'part7', 'part8', 'part9'];

/** As many no-op tasks as wanted: ten services, each with a component on every host of its cluster. */
export default defineStack({ services: [serviceOf(first), ...others.map(serviceOf)] });

function serviceOf(name: string) {
  const component = defineComponent('worker', { title: name, category: 'server', cardinality: 'all', lifecycle });
  return defineService(name, { title: name, version: '1.0.0', user: name, components: [component] });
}

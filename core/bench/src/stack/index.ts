import { defineComponent, defineService, defineStack, type Host } from '@stackyard/sdk';

const nothing = (): void => undefined;
const lifecycle = { init: nothing, start: nothing, prepare: nothing, check: nothing, stop: nothing };
const [first, ...others] = ['part0', 'part1', 'part2', 'part3', 'part4', 'part5', 'part6', 'part7', 'part8', 'part9'];

/**
 * As many no-op tasks as wanted: ten services, each with a component on every host of its cluster. And one whose check is
 * a shell script.
 */
export default defineStack({ services: [serviceOf(first), ...others.map(serviceOf), scriptService()] });

function scriptService() {
  const check = async (host: Host): Promise<void> => void (await host.script('scripts/hello.sh'));
  const component = defineComponent('worker', {
    title: 'Script',
    category: 'server',
    cardinality: 'all',
    lifecycle: { check },
  });
  return defineService('script', { title: 'Script', version: '1.0.0', user: 'script', components: [component] });
}

function serviceOf(name: string) {
  const component = defineComponent('worker', { title: name, category: 'server', cardinality: 'all', lifecycle });
  return defineService(name, { title: name, version: '1.0.0', user: name, components: [component] });
}

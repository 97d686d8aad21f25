import { alive, defineComponent, defineConfig, defineService, defineStack, exec, p } from '@stackyard/sdk';

export const greeting = defineConfig('greeting.properties', {
  text: p.text('Hello').help('What is said'),
  everySeconds: p.int(5).min(1).unit('s').help('How often it is said'),
});
export const greeter = defineComponent('greeter', {
  title: 'Greeter',
  category: 'server',
  cardinality: '1+',
  config: [greeting],
  process: exec({
    program: '/bin/sh',
    args: ['-c', 'while echo "$0"; do sleep "$1"; done', greeting.text, greeting.everySeconds],
    ready: alive(),
  }),
});
const service = defineService('hello', { title: 'Hello', version: '1.0.0', user: 'hello', components: [greeter] });
export default defineStack({ services: [service] });

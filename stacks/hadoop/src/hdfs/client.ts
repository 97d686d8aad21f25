import { defineComponent, defineConfig, p } from '@stackyard/sdk';
import { log4j } from '../core.ts';
import { hdfsCore, hdfsSite } from './configs.ts';

/** The command line of HDFS, ready to run on every host that has the client component. */
export const launcher = defineConfig(
  'hdfs',
  { heap: p.memory(256).min(24).help('Heap of each command') },
  { title: 'Command line', format: 'text', mode: 0o755, effect: 'none' },
);

export const client = defineComponent('hdfs_client', {
  title: 'HDFS Client',
  category: 'client',
  cardinality: '0+',
  config: [hdfsCore, hdfsSite, launcher, log4j],
});

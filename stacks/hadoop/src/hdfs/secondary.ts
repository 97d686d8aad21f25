import { after, choose, concat, defineComponent, http, java, prometheus, tcp } from '@stackyard/sdk';
import { log4j } from '../core.ts';
import { hdfsCore, hdfsSite, isHA, nameNodeEnv, secondarySite } from './configs.ts';
import { nameNode } from './nameNode.ts';

/** Merges the changes of a single NameNode into its image; of two NameNodes the one that stands by does it. */
export const secondaryNameNode = defineComponent('secondarynamenode', {
  title: 'SecondaryNameNode',
  category: 'server',
  cardinality: '0-1',
  place: { hosts: choose(isHA, 0, 1) },
  config: [hdfsCore, hdfsSite, secondarySite, nameNodeEnv, log4j],
  process: java({
    main: 'org.apache.hadoop.hdfs.server.namenode.SecondaryNameNode',
    jvm: [concat('-Xmx', nameNodeEnv.heap, 'm'), nameNodeEnv.jvmOptions],
    ready: tcp(secondarySite.httpPort),
  }),
  after: [after(nameNode)],
  health: { page: tcp(secondarySite.httpPort) },
  metrics: prometheus(secondarySite.httpPort, { 'Heap in use (MiB)': 'jvm_metrics_mem_heap_used_m' }, '/prom'),
  links: { SecondaryNameNode: http(secondarySite.httpPort, '/status.html') },
});

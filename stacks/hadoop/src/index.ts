import { defineStack } from '@stackyard/sdk';
import { hdfs } from './hdfs/index.ts';
import { yarn } from './yarn/index.ts';

export { dataNode } from './hdfs/dataNode.ts';
export { failover, journalNode } from './hdfs/ha.ts';
export { nameNode } from './hdfs/nameNode.ts';

export default defineStack({ title: 'Hadoop', services: [hdfs, yarn] });

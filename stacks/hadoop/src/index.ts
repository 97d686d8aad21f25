import { defineStack } from '@stackyard/sdk';
import { hdfs } from './hdfs/index.ts';
import { yarn } from './yarn/index.ts';

export default defineStack({ title: 'Hadoop', services: [hdfs, yarn] });

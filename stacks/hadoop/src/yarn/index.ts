import { defineComponent, defineService, importOf, service } from '@stackyard/sdk';
import { coreSite, log4j } from '../core.ts';
import { HADOOP, hadoopJdk, hadoopPackage } from '../package.ts';

export const yarnCore = coreSite('yarn', importOf('hdfs', 'defaultFS'));

export const yarnClient = defineComponent('yarn_client', {
  title: 'YARN Client',
  category: 'client',
  cardinality: '0+',
  config: [yarnCore, log4j],
});

export const yarn = defineService('yarn', {
  title: 'YARN',
  description: 'Runs jobs on the hosts that hold the data',
  version: HADOOP,
  user: 'yarn',
  license: 'Apache-2.0',
  packages: [hadoopPackage],
  requires: [hadoopJdk, service('hdfs', '>=3.4')],
  components: [yarnClient],
});

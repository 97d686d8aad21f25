import {
  concat,
  defineComponent,
  defineConfig,
  defineService,
  each,
  hostPorts,
  java,
  jdk,
  p,
  self,
  tcp,
} from '@stackyard/sdk';
import { coreSite, JVM, log4j } from '../core.ts';
import { HADOOP, hadoopPackage } from '../package.ts';

const NAMENODE = { name: 'namenode' };

export const hdfsSite = defineConfig(
  'hdfs-site.xml',
  {
    rpcPort: p.port(8020).help('Port of the NameNode that clients connect to'),
    httpPort: p.port(9870).help('Pages, metrics and WebHDFS of the NameNode'),
    nameDir: p.dir('/var/lib/hdfs/name').pinned().help('Names of all files, on NameNodes'),
  },
  { title: 'HDFS', effect: 'rolling' },
);

const defaultFS = concat('hdfs://', each(NAMENODE, concat(self.address, ':', hdfsSite.rpcPort), { first: true }));
export const hdfsCore = coreSite(defaultFS);

export const namenode = defineComponent(NAMENODE.name, {
  title: 'NameNode',
  category: 'server',
  cardinality: '1-2',
  config: [hdfsCore, hdfsSite, log4j],
  process: java({
    main: 'org.apache.hadoop.hdfs.server.namenode.NameNode',
    jvm: JVM,
    ready: tcp(hdfsSite.rpcPort),
  }),
});

export const hdfs = defineService('hdfs', {
  title: 'HDFS',
  description: 'A file system over the disks of many hosts',
  version: HADOOP,
  user: 'hdfs',
  license: 'Apache-2.0',
  packages: [hadoopPackage],
  requires: [jdk('>=11')],
  components: [namenode],
  exports: { defaultFS, webhdfs: concat('http://', hostPorts(NAMENODE, hdfsSite.httpPort)) },
});

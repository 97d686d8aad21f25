import {
  and,
  choose,
  concat,
  count,
  defineService,
  each,
  eq,
  gt,
  importOf,
  lt,
  orElse,
  refuse,
  self,
  service,
} from '@stackyard/sdk';
import { HADOOP, hadoopJdk, hadoopPackage } from '../package.ts';
import { alerts, overview } from './alerts.ts';
import { client } from './client.ts';
import { defaultFS, hdfsSite, isHA, NAMENODE } from './configs.ts';
import { dataNode } from './dataNode.ts';
import { failover, journalNode } from './ha.ts';
import { nameNode } from './nameNode.ts';
import { secondaryNameNode } from './secondary.ts';
import { small } from './small.ts';

export const hdfs = defineService('hdfs', {
  title: 'HDFS',
  description: 'A file system over the disks of many hosts',
  version: HADOOP,
  user: 'hdfs',
  license: 'Apache-2.0',
  packages: [hadoopPackage],
  requires: [hadoopJdk, service('zookeeper', '>=3.8', { optional: true })],
  components: [nameNode, dataNode, secondaryNameNode, journalNode, failover, client],
  // prettier-ignore
  rules: [
    refuse(and(isHA, lt(count(journalNode), 1)), 'Two NameNodes share their changes by JournalNodes. Place one at least, better three.'),
    refuse(and(isHA, lt(count(failover), count(nameNode))), 'NameNodes that take over from one another need a failover controller each. Place zkfc on all their hosts.'),
    refuse(and(isHA, gt(count(secondaryNameNode), 0)), 'Of two NameNodes the one that stands by does what a SecondaryNameNode is for. Remove it.'),
    refuse(and(gt(count(failover), 0), lt(count(nameNode), 2)), 'A failover controller needs a second NameNode. Place one, or remove zkfc.'),
    refuse(and(gt(count(failover), 0), eq(orElse(importOf('zookeeper', 'connect'), ''), '')), 'Failover controllers need a ZooKeeper in the cluster. Add the service zookeeper.'),
  ],
  exports: {
    defaultFS,
    // Programs that reach a file system of two NameNodes have to know both.
    nameservice: choose(isHA, hdfsSite.nameservice, ''),
    namenodes: each(NAMENODE, concat(self.address, ':', hdfsSite.rpcPort)),
    webhdfs: each(NAMENODE, concat('http://', self.address, ':', hdfsSite.httpPort)),
  },
  upgrade: { from: '>=3.4', backTo: '>=3.4' },
  profiles: { small },
  alerts,
  dashboards: { overview },
});

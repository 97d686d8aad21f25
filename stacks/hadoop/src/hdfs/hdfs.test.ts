import { simulate } from '@stackyard/sdk/testing';
import { expect, test } from 'vitest';
import stack from '../index.ts';
import { client } from './client.ts';
import { dataNode } from './dataNode.ts';
import { failover, journalNode } from './ha.ts';
import { nameNode } from './nameNode.ts';

const single = simulate(stack).add(nameNode, 'h1').add(dataNode, 'h1', 'h2', 'h3').add(client, 'edge');
const ha = simulate(stack)
  .imports('zookeeper', { connect: '10.0.0.9:2181' })
  .add(journalNode, 'h1', 'h2', 'h3')
  .add(nameNode, 'h1', 'h2')
  .add(failover, 'h2', 'h1')
  .add(dataNode, 'h1', 'h2', 'h3');
const CONFIG = '/etc/stackyard/hdfs';

/** Settings of a file by name. */
const settings = (xml = ''): Record<string, string> =>
  Object.fromEntries(
    [...xml.matchAll(/<name>(.*?)<\/name>\s*<value>(.*?)<\/value>/g)].map(([, name = '', value = '']) => [name, value]),
  );

test('one NameNode is named by address in the files of all', async () => {
  const { files } = await single.run(nameNode, 'configure', 'h1');
  expect(settings(files[`${CONFIG}/namenode/core-site.xml`])).toMatchInlineSnapshot(`
    {
      "fs.defaultFS": "hdfs://10.0.0.1:8020",
      "hadoop.http.staticuser.user": "hadoop",
      "hadoop.prometheus.endpoint.enabled": "true",
      "hadoop.tmp.dir": "/var/lib/hadoop-hdfs/tmp",
      "hadoop.user.group.static.mapping.overrides": "dr.who=;yarn=hadoop;mapred=hadoop",
    }
  `);
  expect(settings(files[`${CONFIG}/namenode/hdfs-site.xml`])).toMatchInlineSnapshot(`
    {
      "dfs.blocksize": "128m",
      "dfs.client.use.datanode.hostname": "true",
      "dfs.datanode.use.datanode.hostname": "true",
      "dfs.heartbeat.interval": "3",
      "dfs.namenode.checkpoint.period": "3600",
      "dfs.namenode.http-address": "10.0.0.1:9870",
      "dfs.namenode.rpc-address": "10.0.0.1:8020",
      "dfs.replication": "3",
    }
  `);
  expect(settings(files[`${CONFIG}/namenode/namenode-site.xml`])).toMatchInlineSnapshot(`
    {
      "dfs.hosts.exclude": "/etc/stackyard/hdfs/namenode/dfs.exclude",
      "dfs.namenode.datanode.registration.ip-hostname-check": "false",
      "dfs.namenode.decommission.interval": "30",
      "dfs.namenode.handler.count": "32",
      "dfs.namenode.heartbeat.recheck-interval": "300000",
      "dfs.namenode.http-bind-host": "0.0.0.0",
      "dfs.namenode.name.dir": "/var/lib/hdfs/name",
      "dfs.namenode.rpc-bind-host": "0.0.0.0",
      "dfs.namenode.safemode.extension": "30000",
      "dfs.namenode.safemode.threshold-pct": "0.999",
    }
  `);
});

test('DataNodes that share a machine have ports of their own and are known by their addresses', async () => {
  const { files } = await single.local().run(dataNode, 'configure', 'h3');
  expect(settings(files[`/srv/h3${CONFIG}/datanode/datanode-site.xml`])).toMatchInlineSnapshot(`
    {
      "dfs.datanode.address": "127.0.0.13:10166",
      "dfs.datanode.balance.bandwidthPerSec": "100m",
      "dfs.datanode.data.dir": "/srv/h3/var/lib/hdfs/data",
      "dfs.datanode.du.reserved": "0",
      "dfs.datanode.failed.volumes.tolerated": "0",
      "dfs.datanode.hostname": "127.0.0.13",
      "dfs.datanode.http.address": "127.0.0.13:9864",
      "dfs.datanode.ipc.address": "127.0.0.13:9867",
      "dfs.datanode.max.transfer.threads": "4096",
    }
  `);
});

test('two NameNodes are one name for everybody', async () => {
  const { files } = await ha.run(failover, 'configure', 'h2');
  expect(settings(files[`${CONFIG}/zkfc/core-site.xml`])['fs.defaultFS']).toBe('hdfs://hdfs');
  expect(settings(files[`${CONFIG}/zkfc/hdfs-site.xml`])).toMatchInlineSnapshot(`
    {
      "dfs.blocksize": "128m",
      "dfs.client.failover.proxy.provider.hdfs": "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider",
      "dfs.client.use.datanode.hostname": "true",
      "dfs.datanode.use.datanode.hostname": "true",
      "dfs.ha.automatic-failover.enabled": "true",
      "dfs.ha.fencing.methods": "shell(/bin/true)",
      "dfs.ha.namenode.id": "nn2",
      "dfs.ha.namenodes.hdfs": "nn1,nn2",
      "dfs.heartbeat.interval": "3",
      "dfs.namenode.checkpoint.period": "3600",
      "dfs.namenode.http-address.hdfs.nn1": "10.0.0.1:9870",
      "dfs.namenode.http-address.hdfs.nn2": "10.0.0.2:9870",
      "dfs.namenode.rpc-address.hdfs.nn1": "10.0.0.1:8020",
      "dfs.namenode.rpc-address.hdfs.nn2": "10.0.0.2:8020",
      "dfs.namenode.shared.edits.dir": "qjournal://10.0.0.1:8485;10.0.0.2:8485;10.0.0.3:8485/hdfs",
      "dfs.nameservices": "hdfs",
      "dfs.replication": "3",
    }
  `);
  expect(settings(files[`${CONFIG}/zkfc/zkfc-site.xml`])).toMatchInlineSnapshot(`
    {
      "dfs.ha.zkfc.port": "8019",
      "ha.zookeeper.quorum": "10.0.0.9:2181",
      "ha.zookeeper.session-timeout.ms": "10000",
    }
  `);
});

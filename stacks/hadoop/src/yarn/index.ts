import { after, concat, defineComponent, defineService, each, http, java, jsonPath } from '@stackyard/sdk';
import { prometheus, role, rolling, self, service } from '@stackyard/sdk';
import { log4j } from '../core.ts';
import { HADOOP, hadoopJdk, hadoopPackage } from '../package.ts';
import { actions, refreshQueues } from './actions.ts';
import { isManager, isNode, keepsHistory, runsJobs } from './check.ts';
import { ensureDirectories } from './directories.ts';
import { drain, takeBack } from './drain.ts';
import { alerts, overview } from './monitoring.ts';
import {
  excluded,
  hdfsAccess,
  historyEnv,
  HISTORYSERVER,
  managerEnv,
  mapredSite,
  nodeEnv,
  NODEMANAGER,
  queues,
  RESOURCEMANAGER,
  yarnCore,
  yarnSh,
  yarnSite,
} from './site.ts';
import { small } from './small.ts';

/** Guice needs it in every daemon of YARN. */
const OPENED = '--add-opens=java.base/java.lang=ALL-UNNAMED';
const daemon = { readyMs: 120_000, stopMs: 30_000 };

export const resourceManager = defineComponent(RESOURCEMANAGER.name, {
  title: 'ResourceManager',
  category: 'server',
  cardinality: '1-2',
  config: [yarnCore, yarnSite, mapredSite, queues, excluded, managerEnv, hdfsAccess, log4j],
  process: java({
    ...daemon,
    main: 'org.apache.hadoop.yarn.server.resourcemanager.ResourceManager',
    jvm: [concat('-Xmx', managerEnv.heap, 'm'), managerEnv.jvmOptions, OPENED],
    ready: jsonPath(http(yarnSite.webPort, '/ws/v1/cluster/info'), 'clusterInfo.state', 'STARTED'),
  }),
  dirs: [yarnCore.tmpDir],
  health: { started: jsonPath(http(yarnSite.webPort, '/ws/v1/cluster/info'), 'clusterInfo.state', 'STARTED') },
  role: jsonPath(http(yarnSite.webPort, '/ws/v1/cluster/info'), 'clusterInfo.haState'),
  lifecycle: {
    init: (host) =>
      ensureDirectories(host, [
        { path: host.get(yarnSite.collectedLogs), owner: 'yarn', mode: '1777' },
        { path: host.get(yarnSite.stateDir), owner: 'yarn', mode: '700' },
        // Where jobs of the check are staged.
        { path: `${host.get(mapredSite.stagingDir)}/yarn`, owner: 'yarn', mode: '755' },
      ]),
    check: isManager,
    reload: refreshQueues,
  },
  timeouts: { init: 300, check: 120, reload: 120 },
  metrics: prometheus(
    yarnSite.webPort,
    {
      'Applications that run': 'queue_metrics_apps_running{queue="root"}',
      'Applications that wait': 'queue_metrics_apps_pending{queue="root"}',
      Containers: 'queue_metrics_allocated_containers{queue="root"}',
    },
    '/prom',
  ),
  links: {
    ResourceManager: http(yarnSite.webPort, '/cluster'),
    Scheduler: http(yarnSite.webPort, '/cluster/scheduler'),
  },
  actions,
  upgrade: rolling({ last: role('ACTIVE') }),
});

export const nodeManager = defineComponent(NODEMANAGER.name, {
  title: 'NodeManager',
  category: 'server',
  cardinality: '1+',
  config: [yarnCore, yarnSite, mapredSite, nodeEnv, hdfsAccess, log4j],
  process: java({
    ...daemon,
    main: 'org.apache.hadoop.yarn.server.nodemanager.NodeManager',
    jvm: [concat('-Xmx', nodeEnv.heap, 'm'), nodeEnv.jvmOptions, OPENED],
    // Containers find Hadoop and its configuration by what they inherit, in whatever version this host runs.
    env: {
      HADOOP_CONF_DIR: self.configDir,
      HADOOP_HOME: self.packageDir,
      HADOOP_COMMON_HOME: self.packageDir,
      HADOOP_HDFS_HOME: self.packageDir,
      HADOOP_YARN_HOME: self.packageDir,
      HADOOP_MAPRED_HOME: self.packageDir,
    },
    ready: jsonPath(http(yarnSite.nodeWebPort, '/ws/v1/node/info'), 'nodeInfo.nodeHealthy', true),
  }),
  after: [after(resourceManager)],
  health: { healthy: jsonPath(http(yarnSite.nodeWebPort, '/ws/v1/node/info'), 'nodeInfo.nodeHealthy', true) },
  lifecycle: { check: isNode },
  timeouts: { check: 120 },
  metrics: prometheus(
    yarnSite.nodeWebPort,
    {
      'Containers that run': 'node_manager_metrics_containers_running',
      'Memory of containers (GB)': 'node_manager_metrics_allocated_gb',
    },
    '/prom',
  ),
  links: { NodeManager: http(yarnSite.nodeWebPort, '/node') },
  decommission: { by: resourceManager, drain, undo: takeBack, timeout: 90_000 },
  upgrade: rolling(),
});

export const historyServer = defineComponent(HISTORYSERVER.name, {
  title: 'JobHistoryServer',
  category: 'server',
  cardinality: '1',
  user: 'mapred',
  config: [yarnCore, yarnSite, mapredSite, historyEnv, hdfsAccess, log4j],
  process: java({
    ...daemon,
    main: 'org.apache.hadoop.mapreduce.v2.hs.JobHistoryServer',
    jvm: [concat('-Xmx', historyEnv.heap, 'm'), historyEnv.jvmOptions, OPENED],
    ready: http(mapredSite.historyWebPort, '/ws/v1/history/info'),
  }),
  dirs: [],
  health: { answers: http(mapredSite.historyWebPort, '/ws/v1/history/info') },
  lifecycle: {
    init: (host) =>
      ensureDirectories(host, [
        { path: `${host.get(mapredSite.historyDir)}/tmp`, owner: 'mapred', mode: '1777' },
        { path: `${host.get(mapredSite.historyDir)}/done`, owner: 'mapred', mode: '770' },
      ]),
    check: keepsHistory,
  },
  timeouts: { init: 300, check: 120 },
  metrics: prometheus(mapredSite.historyWebPort, { 'Heap (MB)': 'jvm_metrics_mem_heap_used_m' }, '/prom'),
  links: { 'Job history': http(mapredSite.historyWebPort, '/jobhistory') },
});

export const yarnClient = defineComponent('yarn_client', {
  title: 'YARN Client',
  category: 'client',
  cardinality: '0+',
  config: [yarnCore, yarnSite, mapredSite, hdfsAccess, log4j, yarnSh],
  dirs: [],
  after: [after(nodeManager, { phase: 'check', of: 'check' }), after(historyServer, { phase: 'check', of: 'check' })],
  lifecycle: { check: runsJobs },
  timeouts: { check: 300 },
});

export const yarn = defineService('yarn', {
  title: 'YARN',
  description: 'Runs jobs on the hosts that hold the data, MapReduce among them',
  version: HADOOP,
  user: 'yarn',
  license: 'Apache-2.0',
  packages: [hadoopPackage],
  requires: [hadoopJdk, service('hdfs', '>=3.4'), service('zookeeper', '>=3.5', { optional: true })],
  components: [resourceManager, nodeManager, historyServer, yarnClient],
  exports: {
    resourcemanager: each(resourceManager, concat('http://', self.address, ':', yarnSite.webPort)),
    historyserver: each(historyServer, concat('http://', self.address, ':', mapredSite.historyWebPort)),
  },
  upgrade: { from: '>=3.3', backTo: '>=3.3' },
  profiles: { small },
  alerts,
  dashboards: { overview },
});

import { action, after, concat, defineComponent, definePackage, defineService, defineStack } from '@stackyard/sdk';
import {
  type Host,
  hostPorts,
  http,
  java,
  jdk,
  labelOf,
  metric,
  p,
  prometheus,
  role,
  rolling,
  tcp,
} from '@stackyard/sdk';
import { fullyReplicated, inQuorum, producesAndConsumes } from './checks.ts';
import { BROKER, brokerConf, brokerJvm, clientConf, clientScript, common, CONTROLLER } from './config.ts';
import { controllerConf, controllerJvm, exporter, logging } from './config.ts';
import { finalize, readable } from './features.ts';
import { alerts, overview } from './monitoring.ts';
import { drain, forget, undo, unregister } from './reassign.ts';
import { small } from './small.ts';
import { run } from './tools.ts';
import { topics } from './topics.ts';

/** Marks the directories with the cluster's id, once: what was marked and is empty has lost its data. */
const format = (conf: string) => (host: Host) =>
  host.once('format', async () => {
    const id = Buffer.from(host.get(common.clusterId).replaceAll('-', ''), 'hex').toString('base64url');
    const file = `${host.paths.config}/${conf}`;
    await run(host, 'kafka.tools.StorageTool', 'format', '--ignore-formatted', `--cluster-id=${id}`, '--config', file);
  });

export const controller = defineComponent(CONTROLLER.name, {
  title: 'Kafka Controller',
  category: 'server',
  cardinality: '1+',
  prefer: 'odd',
  config: [controllerConf, controllerJvm, logging, exporter, common],
  process: java({
    main: 'kafka.Kafka',
    jvm: [concat('@', controllerJvm.path)],
    args: [controllerConf.path],
    ready: tcp(controllerConf.port),
    readyMs: 120_000,
  }),
  lifecycle: { install: readable, init: format('controller.properties'), check: inQuorum },
  timeouts: { check: 180 },
  health: {
    port: tcp(controllerConf.port),
    metadata: metric(controllerJvm.metricsPort, 'kafka_controller_kafkacontroller_metadataerrorcount', { max: 0 }),
  },
  role: labelOf(metric(controllerJvm.metricsPort, 'kafka_raft_state'), 'state'),
  metrics: prometheus(controllerJvm.metricsPort, { Brokers: 'kafka_controller_kafkacontroller_activebrokercount' }),
  links: { Metrics: http(controllerJvm.metricsPort, '/metrics') },
  upgrade: rolling({ last: role('leader'), after: BROKER }),
});

export const broker = defineComponent(BROKER.name, {
  title: 'Kafka Broker',
  category: 'server',
  cardinality: '1+',
  config: [brokerConf, brokerJvm, logging, exporter, common],
  process: java({
    main: 'kafka.Kafka',
    jvm: [concat('@', brokerJvm.path)],
    args: [brokerConf.path],
    ready: metric(brokerJvm.metricsPort, 'kafka_server_kafkaserver_brokerstate', { min: 3, max: 3 }),
    readyMs: 600_000, // after a crash it reads its newest segments again
    stopMs: 120_000, // leaders move to other brokers first
  }),
  after: [after(controller)],
  lifecycle: {
    install: readable,
    init: format('broker.properties'),
    check: producesAndConsumes,
    settle: fullyReplicated,
    remove: forget,
  },
  timeouts: { start: 900, check: 180, settle: 3600 },
  health: {
    port: tcp(brokerConf.port),
    disks: metric(brokerJvm.metricsPort, 'kafka_log_logmanager_offlinelogdirectorycount', { max: 0 }),
  },
  metrics: prometheus(brokerJvm.metricsPort, {
    'Messages in': 'kafka_server_brokertopicmetrics_messagesin_total',
    'Under-replicated partitions': 'kafka_server_replicamanager_underreplicatedpartitions',
    'Partitions led': 'kafka_server_replicamanager_leadercount',
  }),
  links: { Metrics: http(brokerJvm.metricsPort, '/metrics') },
  actions: {
    ...topics,
    finalize: action({
      title: 'Finalize an upgrade',
      help: 'Puts the features of this version in use, once every broker and controller runs it',
      danger: 'There is no way back to the version before',
      idempotent: true,
      run: finalize,
    }),
    forgetBroker: action({
      title: 'Forget a broker',
      help: 'Takes a broker off the list of the cluster whose host was removed as lost',
      input: { id: p.int().min(1).help('Its number') },
      danger: 'A broker that is forgotten and has data cannot come back with it',
      run: (host, { id }) => unregister(host, id),
    }),
  },
  decommission: { drain, undo, timeout: 24 * 3600 },
  upgrade: rolling(),
});

export const client = defineComponent('kafka_client', {
  title: 'Kafka Client',
  category: 'client',
  cardinality: '0+',
  config: [clientScript, clientConf],
});

/** One line of Kafka's releases: all lines have the same definition, and each is a version of this package. */
export interface Line {
  readonly version: string;
  /** Beside what all lines have; and what of Kafka's own dependencies gives way to it. */
  readonly logging: readonly string[];
  readonly exclusions?: readonly string[];
  /** Versions from which one comes to it, and to which one can go back before the upgrade is finalized. */
  readonly upgrade: { readonly from: string; readonly backTo?: string };
}

const LOG4J = '2.25.4';
export const kafka = ({ version, logging: bridges, exclusions = [], upgrade }: Line) =>
  defineStack({
    services: [
      defineService('kafka', {
        title: 'Kafka',
        description: 'A replicated log of events, without ZooKeeper',
        version,
        user: 'kafka',
        license: 'Apache-2.0',
        packages: [
          definePackage('kafka', {
            version,
            maven: {
              artifacts: [
                ...['kafka_2.13', 'kafka-tools'].map((name) => `org.apache.kafka:${name}:${version}`),
                ...['log4j-slf4j-impl', ...bridges].map((name) => `org.apache.logging.log4j:${name}:${LOG4J}`),
              ],
              ...(exclusions.length > 0 ? { exclusions: [...exclusions] } : {}),
            },
          }),
          definePackage('jmx-exporter', {
            version: '1.0.1',
            maven: { artifacts: ['io.prometheus.jmx:jmx_prometheus_javaagent:1.0.1'] },
          }),
        ],
        requires: [jdk('>=17')],
        components: [controller, broker, client],
        exports: { bootstrap: hostPorts(broker, brokerConf.port) },
        upgrade,
        profiles: { small },
        alerts,
        dashboards: { overview },
      }),
    ],
  });

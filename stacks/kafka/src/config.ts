import { add, count, defineConfig, div, fact, hostPorts, max, min, mul, own, p, self, sub } from '@stackyard/sdk';

/** Components by name: their configs and functions know each other before the components are there. */
export const BROKER = { name: 'kafka_broker' };
export const CONTROLLER = { name: 'kafka_controller' };

/** What brokers and controllers have to agree on: topics are made by the controllers, with their defaults. */
export const common = defineConfig(
  'kafka-cluster',
  {
    clusterId: p.uuid().help('Which cluster this is; every directory with data is marked with it'),
    partitions: p.int(3).min(1).max(10_000).help('Partitions of a topic for which nobody says how many'),
    copies: p
      .int(min(3, count(BROKER)))
      .min(1)
      .max(9)
      .help('Copies of a partition for which nobody says how many, and of the topics of Kafka itself'),
    inSync: p
      .int(max(1, sub(own('copies'), 1)))
      .min(1)
      .max(9)
      .help('Copies that must have a message before its producer, where it asks for all, is told'),
  },
  { title: 'Cluster', file: false, effect: 'rolling' },
);

const MIB = 1024 * 1024;
const options = p.list(['-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:+ExplicitGCInvokesConcurrent']);
const jvm = { title: 'Java', format: 'text', template: 'jvm.options.hbs', effect: 'rolling' } as const;

/** An eighth of the memory, up to 6 GiB: a broker lives by the page cache, which is what its heap leaves. */
export const brokerJvm = defineConfig(
  'broker.jvm',
  {
    heap: p
      .memory(max(256, min(6144, div(fact.memory, 8 * MIB))))
      .min(64)
      .help('Heap of a broker'),
    metricsPort: p.port(9404).help('Prometheus endpoint of a broker'),
    options: options.help('Options of the JVM of a broker'),
    moveRate: p.int(50).min(1).unit('MiB/s').effect('none').help('What moving partitions may take of a network'),
  },
  jvm,
);
export const brokerConf = defineConfig(
  'broker.properties',
  {
    port: p.port(9092).help('Port that clients and other brokers connect to'),
    dataDir: p.dir('/var/lib/kafka-broker').pinned().help('Partitions, and this copy of the metadata'),
    moreDirs: p.list([]).help('Further directories for partitions, one a disk, which the user kafka must own'),
    rack: p.text().optional().key('broker.rack').help('Rack of the host: copies of a partition go to different ones'),
    retention: p.int(168).min(1).unit('h').key('log.retention.hours').help('How long messages are kept'),
    segment: p.int(1_073_741_824).min(1_048_576).unit('B').key('log.segment.bytes').help('Size of one file of a log'),
    message: p.int(1_048_588).min(1024).unit('B').key('message.max.bytes').help('The largest batch that is taken'),
    cleaner: p
      .int(min(134_217_728, mul(brokerJvm.heap, 131_072)))
      .min(2_097_152)
      .unit('B')
      .key('log.cleaner.dedupe.buffer.size')
      .help('Memory in which compaction remembers keys, an eighth of the heap'),
    autoCreate: p.bool(false).key('auto.create.topics.enable').help('Whether topics are made by being written to'),
    ioThreads: p.int(max(8, fact.cpus)).min(1).key('num.io.threads').help('Threads that do what requests ask for'),
    netThreads: p
      .int(max(3, div(fact.cpus, 2)))
      .min(1)
      .key('num.network.threads')
      .help('Threads that read requests'),
    extra: p.map({}).help('Further settings of broker.properties, written as they are'),
  },
  { title: 'Broker', effect: 'rolling' },
);

/** A number in the cluster that no broker has: brokers are numbered by their ordinals, controllers from 3001. */
const controllerId = p.int(add(3000, self.ordinal)).min(3000).pinned().key('node.id');
export const controllerConf = defineConfig(
  'controller.properties',
  {
    nodeId: controllerId.help('Number of the controller in the cluster'),
    port: p.port(9093).help('Port that brokers and other controllers connect to'),
    dataDir: p.dir('/var/lib/kafka-controller').pinned().key('log.dirs').help('The metadata of the cluster'),
    extra: p.map({}).help('Further settings of controller.properties, written as they are'),
  },
  { title: 'Controller', effect: 'rolling' },
);

export const controllerJvm = defineConfig(
  'controller.jvm',
  {
    heap: p
      .memory(max(128, min(2048, div(fact.memory, 32 * MIB))))
      .min(48)
      .help('Heap of a controller'),
    metricsPort: p.port(9405).help('Prometheus endpoint of a controller'),
    options: options.help('Options of the JVM of a controller'),
  },
  jvm,
);

const level = p.enum(['ERROR', 'WARN', 'INFO', 'DEBUG'], 'INFO').help('What is logged; read again every half minute');
export const logging = defineConfig('log4j2.properties', { level }, { title: 'Logging', effect: 'none' });
export const exporter = defineConfig('jmx.yaml', {}, { title: 'Metrics', format: 'text', effect: 'rolling' });

/** Kafka's own tools, ready to run on every host that has the client component. */
export const clientScript = defineConfig(
  'kafka.sh',
  { bootstrap: p.text(hostPorts(BROKER, brokerConf.port)).help('Brokers that clients begin with') },
  { title: 'Command line', format: 'text', mode: 0o755, effect: 'none' },
);
export const clientConf = defineConfig('client.properties', {}, { title: 'Client', effect: 'none' });

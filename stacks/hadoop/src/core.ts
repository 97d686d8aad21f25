import { defineConfig, p, type Value } from '@stackyard/sdk';

/** core-site.xml of a service: each has its own, and all name the same file system. */
export const coreSite = (service: string, defaultFS: Value<string>) =>
  defineConfig(
    'core-site.xml',
    {
      defaultFS: p.text(defaultFS).key('fs.defaultFS').help('File system that paths without one are of'),
      tmpDir: p
        .dir(`/var/lib/hadoop-${service}/tmp`)
        .key('hadoop.tmp.dir')
        .help('Where programs of Hadoop keep what is for a while'),
      webUser: p.text('hadoop').key('hadoop.http.staticuser.user').help('Who visitors of the web pages are for HDFS'),
      prometheus: p
        .bool(true)
        .key('hadoop.prometheus.endpoint.enabled')
        .help('Whether each daemon answers with its metrics at /prom'),
      // A NameNode asks the system of its own host, where users of other daemons need not be.
      groups: p
        .text('dr.who=;yarn=hadoop;mapred=hadoop')
        .key('hadoop.user.group.static.mapping.overrides')
        .help('Groups of users for HDFS, where the host of a NameNode does not know them'),
      extra: p.map({}).help('Further settings of core-site.xml, written as they are'),
    },
    { title: 'Core', effect: 'rolling' },
  );

/** What daemons log, to their own output: the platform keeps and rotates it. */
export const log4j = defineConfig(
  'log4j.properties',
  { level: p.enum(['ERROR', 'WARN', 'INFO', 'DEBUG'], 'INFO').help('What is logged') },
  { title: 'Logging', effect: 'rolling' },
);

/** Heap and options of the JVM of one kind of daemon. */
export const jvmOf = (component: string, heap: Value<number>) =>
  defineConfig(
    `${component}-env`,
    {
      heap: p.memory(heap).min(24).help('Heap of the daemon'),
      jvmOptions: p.list(['-XX:+ExitOnOutOfMemoryError']).help('Options of the JVM'),
    },
    { title: 'Java', file: false, effect: 'rolling' },
  );

/** Of a JVM that starts quickly and keeps little beside its heap. */
export const quickJvm = [
  '-XX:+ExitOnOutOfMemoryError',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xss512k',
] as const;

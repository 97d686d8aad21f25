import { definePackage, jdk } from '@stackyard/sdk';

/** The version of Hadoop, of each of its jars. */
export const HADOOP = '3.4.2';

/** Newer ones have taken away how Hadoop learns who it runs as. */
export const hadoopJdk = jdk('>=11 <23');

const hadoop = (...artifacts: readonly string[]) => artifacts.map((name) => `org.apache.hadoop:${name}:${HADOOP}`);

/** One archive for HDFS, YARN and MapReduce: a host unpacks it once, whatever it runs of them. */
export const hadoopPackage = definePackage('hadoop', {
  version: HADOOP,
  maven: {
    artifacts: [
      ...hadoop('hadoop-common', 'hadoop-hdfs', 'hadoop-hdfs-client'),
      // The pages of NameNode, DataNode and JournalNode; hadoop-hdfs itself comes without them.
      `org.apache.hadoop:hadoop-hdfs:jar:tests:${HADOOP}`,
      ...hadoop('hadoop-yarn-server-resourcemanager', 'hadoop-yarn-server-nodemanager'),
      // The ResourceManager does not start without its classes.
      ...hadoop(
        'hadoop-yarn-server-timelineservice',
        'hadoop-yarn-client',
        'hadoop-yarn-applications-distributedshell',
      ),
      ...hadoop('hadoop-mapreduce-client-app', 'hadoop-mapreduce-client-shuffle', 'hadoop-mapreduce-client-jobclient'),
      ...hadoop('hadoop-mapreduce-client-hs', 'hadoop-mapreduce-examples'),
    ],
  },
});

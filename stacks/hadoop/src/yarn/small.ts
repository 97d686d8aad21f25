import { profile, set } from '@stackyard/sdk';
import { historyEnv, managerEnv, mapredSite, nodeEnv, queues, yarnSite } from './site.ts';

/** Flags by which a JVM starts fast and stays small. */
const QUICK = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
const daemons = [...QUICK, '-Xss512k'];

/** What daemons were seen to serve and jobs to run in. */
export const small = profile('Hosts that share one machine, on which small jobs run', [
  set(managerEnv.heap, 96),
  set(managerEnv.jvmOptions, daemons),
  set(nodeEnv.heap, 64),
  set(nodeEnv.jvmOptions, daemons),
  set(historyEnv.heap, 80),
  set(historyEnv.jvmOptions, daemons),
  set(yarnSite.nodeMemory, 1024),
  set(yarnSite.nodeVcores, 4),
  set(yarnSite.minAllocation, 128),
  set(mapredSite.amMemory, 256),
  set(mapredSite.amHeap, 112),
  set(mapredSite.mapMemory, 256),
  set(mapredSite.mapHeap, 112),
  set(mapredSite.reduceMemory, 256),
  set(mapredSite.reduceHeap, 112),
  set(mapredSite.sortMemory, 8),
  set(mapredSite.taskOptions, QUICK),
  set(queues.mastersShare, 0.8),
]);

import { onHosts, profile, set } from '@stackyard/sdk';
import { quickJvm } from '../core.ts';
import { dataNodeEnv, dataNodeSite, hdfsSite, journalNodeEnv, nameNodeEnv, nameNodeSite, zkfcEnv } from './configs.ts';
import { secondaryNameNode } from './secondary.ts';

/** The smallest sizes that daemons were run with, and no SecondaryNameNode: a small image needs no merging for long. */
export const small = profile('Daemons that share one machine with much else', [
  set(nameNodeEnv.heap, 64),
  set(nameNodeEnv.jvmOptions, quickJvm),
  set(nameNodeSite.handlers, 4),
  set(nameNodeSite.safeModeExtension, 0),
  set(dataNodeEnv.heap, 48),
  set(dataNodeEnv.jvmOptions, quickJvm),
  set(dataNodeSite.transferThreads, 64),
  set(hdfsSite.heartbeat, 1),
  set(journalNodeEnv.heap, 32),
  set(journalNodeEnv.jvmOptions, quickJvm),
  set(zkfcEnv.heap, 32),
  set(zkfcEnv.jvmOptions, quickJvm),
  onHosts(secondaryNameNode, 0),
]);

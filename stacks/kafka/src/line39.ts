import { kafka } from './kafka.ts';

/** For who comes from it: its logging is that of the newer lines, so that they have one file for it. */
export default kafka({
  version: '3.9.2',
  logging: ['log4j-1.2-api'],
  exclusions: ['ch.qos.reload4j:reload4j', 'org.slf4j:slf4j-reload4j'],
  upgrade: { from: '>=3.7' },
});

import { profile, set } from '@stackyard/sdk';
import { brokerConf, brokerJvm, controllerJvm } from './config.ts';

/** A JVM that starts quickly and keeps little beside its heap. */
const options = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xss512k'];

/** The smallest sizes that brokers and controllers were run with; topics of Kafka's own in three partitions, not fifty. */
export const small = profile('Brokers and controllers that share one machine with much else', [
  set(brokerJvm.heap, 96),
  set(brokerJvm.options, options),
  set(brokerConf.segment, 16 * 1024 * 1024),
  set(brokerConf.ioThreads, 2),
  set(brokerConf.netThreads, 2),
  set(brokerConf.extra, {
    'offsets.topic.num.partitions': 3,
    'transaction.state.log.num.partitions': 3,
    'background.threads': 2,
    'group.initial.rebalance.delay.ms': 0,
  }),
  set(controllerJvm.heap, 64),
  set(controllerJvm.options, options),
]);

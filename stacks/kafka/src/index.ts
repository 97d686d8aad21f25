import { kafka } from './kafka.ts';

export { broker, client, controller } from './kafka.ts';
export * from './config.ts';

export default kafka({ version: '4.3.1', logging: [], upgrade: { from: '>=3.9', backTo: '>=3.9' } });

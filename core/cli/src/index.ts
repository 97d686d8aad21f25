export { type Api, apiOf, type Connection } from './api/client.ts';
export { run } from './cli.ts';
export { EXIT, type ExitCode } from './exitCodes.ts';

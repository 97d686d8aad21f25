export {
  type Address,
  type EngineSettings,
  type RunningServer,
  serverPlugins,
  startServer,
  type StartOptions,
} from './server.ts';

/** A server as a process of its own: its options as JSON in the first argument, its address as its first line. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { createLogger } = await import('@stackyard/kernel');
const { startServer } = await import('@stackyard/server');

export interface ServerArguments {
  readonly dataDir: string;
  readonly stacks: readonly string[];
}

export interface ServerReady {
  readonly url: string;
  readonly agentEndpoint: string;
  readonly token: string;
}

const { dataDir, stacks } = JSON.parse(process.argv[2] ?? '{}') as ServerArguments;
const loopback = { host: '127.0.0.1', port: 0 };
const server = await startServer({
  dataDir,
  stacks,
  http: loopback,
  agents: loopback,
  packages: { origin: 'maven' },
  plugins: [],
  log: createLogger({ level: 'info' }),
  onFatal: (error) => {
    console.error(error);
    process.exit(1);
  },
});
const { url, agentEndpoint, token } = server;
process.stdout.write(`${JSON.stringify({ url, agentEndpoint, token } satisfies ServerReady)}\n`);
process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));

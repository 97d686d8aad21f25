import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { type AgentOptions, runAgent } from './agent/runAgent.ts';

const HELP = `stackyard agent --server HOST:PORT [--root DIR] [--name NAME] [--address A] [--bind A] [--local]
                 [--token-file FILE] [--verbose]

  --server      where the server listens for agents
  --root        the root directory of the host, / unless given
  --name        the name under which the host joins, its host name unless given
  --address     what other hosts reach it by, its name unless given
  --bind        where its components listen; 0.0.0.0, or the address on a local host
  --local       several agents share this machine
  --token-file  holds the join token; needed for the first start only ($STACKYARD_JOIN_TOKEN instead)
  --verbose     also log to standard error
`;

/** Options of the command line; undefined when help was asked for. @throws Error for what cannot be understood */
export async function agentOptions(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<AgentOptions | undefined> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      server: { type: 'string' },
      root: { type: 'string', default: '/' },
      name: { type: 'string', default: hostname() },
      address: { type: 'string' },
      bind: { type: 'string' },
      local: { type: 'boolean', default: false },
      'token-file': { type: 'string' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const server = values.server ?? env['STACKYARD_SERVER'];
  if (!server) throw new Error('Say where the server is: --server HOST:PORT.');
  const address = values.address ?? values.name;
  const file = values['token-file'];
  const token = file ? (await readFile(file, 'utf8')).trim() : env['STACKYARD_JOIN_TOKEN'];
  return {
    server,
    root: values.root,
    hostName: values.name,
    address,
    bind: values.bind ?? (values.local ? address : '0.0.0.0'),
    local: values.local,
    stderr: values.verbose,
    ...(token ? { token } : {}),
  };
}

/** Runs the agent until SIGTERM or SIGINT; resolves with the exit code. */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  try {
    const options = await agentOptions(argv, env);
    if (!options) return (process.stdout.write(HELP), 0);
    const agent = await runAgent(options);
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
    });
    await agent.stop();
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { type AgentOptions, runAgent } from './agent/runAgent.ts';

const HELP = `stackyard agent [--enrol HOST:PORT --ca-sha256 HEX] [--server HOST:PORT] [--root DIR] [--name NAME]
                 [--address A] [--bind A] [--local] [--token-file FILE] [--verbose]

  --enrol       where the host joins; needed for the first start only, as are --ca-sha256 and the token
  --ca-sha256   the SHA-256 of the certificate of the authority that is to be trusted
  --token-file  holds the join token ($STACKYARD_JOIN_TOKEN instead)
  --server      where the server listens for agents, when it is not where it said
  --root        the root directory of the host, / unless given
  --name        the name under which the host joins, its host name unless given
  --address     what other hosts reach it by, its name unless given
  --bind        where its components listen; 0.0.0.0, or the address on a local host
  --local       several agents share this machine
  --verbose     also log to standard error
`;

/** Options of the command line; undefined when help was asked for. @throws Error for what cannot be understood */
export async function agentOptions(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<AgentOptions | undefined> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      server: { type: 'string' },
      enrol: { type: 'string' },
      'ca-sha256': { type: 'string' },
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
  const enrolment = values.enrol ?? env['STACKYARD_ENROL'];
  const caSha256 = pinOf(values['ca-sha256'] ?? env['STACKYARD_CA_SHA256']);
  const address = values.address ?? values.name;
  const file = values['token-file'];
  const token = file ? (await readFile(file, 'utf8')).trim() : env['STACKYARD_JOIN_TOKEN'];
  return {
    ...(server ? { server } : {}),
    ...(enrolment ? { enrolment } : {}),
    ...(caSha256 ? { caSha256 } : {}),
    root: values.root,
    hostName: values.name,
    address,
    bind: values.bind ?? (values.local ? address : '0.0.0.0'),
    local: values.local,
    stderr: values.verbose,
    ...(token ? { token } : {}),
  };
}

/** As tools print it, too: in capitals, with colons. */
function pinOf(given: string | undefined): string | undefined {
  if (!given) return undefined;
  const pin = given.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(pin)) throw new Error('Give --ca-sha256 the 64 hexadecimal digits of a SHA-256.');
  return pin;
}

/** Runs the agent until SIGTERM or SIGINT; resolves with the exit code. */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<number> {
  // Once per host: a running agent is spared its code.
  if (argv[0] === 'install') return (await import('./launcher/install.ts')).installMain(argv.slice(1), env);
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

import { mkdir } from 'node:fs/promises';
import { AgentRunningError, NotJoinedError } from '../errors.ts';
import { type Identity, joinServer, readIdentity, saveIdentity } from '../identity.ts';
import { type AgentPaths, agentPaths } from '../paths.ts';
import { LockedError } from '../processes/errors.ts';
import { type Lock, takeLock } from '../processes/lock.ts';
import { assemble } from './assemble.ts';
import type { HostAddress } from './hostFacts.ts';
import { openLog } from './log.ts';

export interface AgentOptions extends HostAddress {
  /** `host:port` of the server. */
  readonly server: string;
  /** The name under which the host joins. */
  readonly hostName: string;
  /** Needed for the first start only; single use. */
  readonly token?: string | undefined;
  /** Also log to standard error. */
  readonly stderr?: boolean | undefined;
  readonly logLevel?: string | undefined;
}

export interface RunningAgent {
  readonly agentId: string;
  /** Ends the agent. Components and running tasks carry on and are found again by the next start. */
  stop(): Promise<void>;
}

/**
 * Runs the agent of a host root in this process.
 * @throws AgentRunningError when there is one, NotJoinedError without an identity and a token, JoinRefusedError
 */
export async function runAgent(options: AgentOptions): Promise<RunningAgent> {
  const paths = agentPaths(options.root);
  await mkdir(paths.home, { recursive: true, mode: 0o700 });
  const lock = await lockRoot(options.root, paths);
  const log = openLog(paths.log, { stderr: options.stderr ?? false, level: options.logLevel ?? 'info' });
  try {
    let identity = await identityFor(options);
    let rejoining: Promise<void> | undefined;
    const refused = (): void => {
      // Once, and only where whoever started the agent gave it a token for that.
      if (options.token) rejoining ??= rejoin(options.token);
    };
    let stop = await assemble({ options, paths, identity, log, refused });
    const rejoin = async (token: string): Promise<void> => {
      try {
        identity = await joinServer({ root: options.root, server: options.server, token, hostName: options.hostName });
        log.warn({ agentId: identity.agentId }, 'The server did not know this agent any more; it has joined anew');
        await stop();
        stop = await assemble({ options, paths, identity, log, refused });
      } catch (error) {
        log.error({ err: error }, 'The server does not know this agent, and it could not join anew');
      }
    };
    return {
      get agentId() {
        return identity.agentId;
      },
      async stop() {
        await rejoining;
        await stop();
        lock.release();
      },
    };
  } catch (error) {
    log.error({ err: error }, 'The agent could not start');
    lock.release();
    throw error;
  }
}

async function lockRoot(root: string, { home }: AgentPaths): Promise<Lock> {
  try {
    return await takeLock(`${home}/agent.lock`);
  } catch (error) {
    if (error instanceof LockedError) throw new AgentRunningError(root, error.pid);
    throw error;
  }
}

/** Joins at the first start. Later the server may have another address, but not another agent. */
async function identityFor({ root, server, token, hostName }: AgentOptions): Promise<Identity> {
  const known = await readIdentity(root);
  if (!known) {
    if (!token) throw new NotJoinedError(root);
    return joinServer({ root, server, token, hostName });
  }
  if (known.server === server) return known;
  const moved = { ...known, server };
  await saveIdentity(root, moved);
  return moved;
}

import { mkdir } from 'node:fs/promises';
import { AgentRunningError, NotJoinedError } from '../errors.ts';
import { Credentials } from '../connection/credentials.ts';
import { sha256sOf } from '../identity/authorities.ts';
import { join } from '../identity/enrol.ts';
import { type Identity, readIdentity, saveIdentity } from '../identity/identity.ts';
import { type AgentPaths, agentPaths } from '../paths.ts';
import { LockedError } from '../processes/errors.ts';
import { type Lock, takeLock } from '../processes/lock.ts';
import { assemble } from './assemble.ts';
import type { HostAddress } from './hostFacts.ts';
import { openLog } from './log.ts';

export interface AgentOptions extends HostAddress {
  /** `host:port` where the server takes agents, when it is not the one the server said. */
  readonly server?: string | undefined;
  /** `host:port` where hosts join; needed for the first start only, as are the next two. */
  readonly enrolment?: string | undefined;
  /** SHA-256 (DER, hex) of the authority to trust. */
  readonly caSha256?: string | undefined;
  /** The name under which the host joins. */
  readonly hostName: string;
  /** Single use. */
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
 * @throws AgentRunningError when there is one, NotJoinedError without an identity and a token, JoinRefusedError,
 * AuthorityMismatchError
 */
export async function runAgent(options: AgentOptions): Promise<RunningAgent> {
  const paths = agentPaths(options.root);
  await mkdir(paths.home, { recursive: true, mode: 0o700 });
  const lock = await lockRoot(options.root, paths);
  const log = openLog(paths.log, { stderr: options.stderr ?? false, level: options.logLevel ?? 'info' });
  try {
    let credentials = credentialsOf(options, await identityFor(options));
    let rejoining: Promise<void> | undefined;
    const refused = (): void => {
      // Once, and only where whoever started the agent gave it a token for that.
      if (canJoin(options)) rejoining ??= rejoin();
    };
    let stop = await assemble({ options, paths, credentials, log, refused });
    const rejoin = async (): Promise<void> => {
      try {
        credentials = credentialsOf(options, await joinAs(options));
        log.warn(
          { agentId: credentials.identity.agentId },
          'The server did not know this agent any more; it has joined anew',
        );
        await stop();
        stop = await assemble({ options, paths, credentials, log, refused });
      } catch (error) {
        log.error({ err: error }, 'The server does not know this agent, and it could not join anew');
      }
    };
    return {
      get agentId() {
        return credentials.identity.agentId;
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

/** Joins at the first start, and when another authority is to be trusted than before. The server may have moved. */
async function identityFor(options: AgentOptions): Promise<Identity> {
  const { root, server, caSha256 } = options;
  const known = await readIdentity(root);
  const isElsewhere = known && caSha256 !== undefined && !sha256sOf(known.authorities).includes(caSha256);
  if (!known || (isElsewhere && canJoin(options))) return joinAs(options);
  if (server === undefined || known.server === server) return known;
  const moved = { ...known, server };
  await saveIdentity(root, moved);
  return moved;
}

function canJoin({ token, enrolment, caSha256 }: AgentOptions): boolean {
  return token !== undefined && enrolment !== undefined && caSha256 !== undefined;
}

async function joinAs({ root, hostName, server, token, enrolment, caSha256 }: AgentOptions): Promise<Identity> {
  if (token === undefined || enrolment === undefined || caSha256 === undefined) throw new NotJoinedError(root);
  const identity = await join({ enrolment, caSha256, token, hostName, server });
  await saveIdentity(root, identity);
  return identity;
}

function credentialsOf({ root }: AgentOptions, identity: Identity): Credentials {
  return new Credentials(identity, (next) => saveIdentity(root, next));
}

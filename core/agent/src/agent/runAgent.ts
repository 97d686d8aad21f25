import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { HostFacts } from '@stackyard/proto';
import type { Logger } from 'pino';
import { ArtifactStore } from '../artifacts/store.ts';
import { ControlConnection } from '../connection/control.ts';
import { Downloads } from '../connection/download.ts';
import { AgentRunningError, NotJoinedError } from '../errors.ts';
import { type Identity, joinServer, readIdentity, saveIdentity } from '../identity.ts';
import { LogSender } from '../logs/sender.ts';
import { type AgentPaths, agentPaths } from '../paths.ts';
import { readBootId } from '../processes/identity.ts';
import { LockedError } from '../processes/errors.ts';
import { type Lock, takeLock } from '../processes/lock.ts';
import { SessionDriver } from '../session/driver.ts';
import { Attempts, RunnerPool, Spool } from '../spool/index.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { VERSION } from '../version.ts';
import { type Extras, fromWire } from '../wire.ts';
import { Executor } from './executor.ts';
import { GaugeReader } from './gauges.ts';
import { type HostAddress, hostFacts } from './hostFacts.ts';
import { openLog } from './log.ts';
import { runnerModules } from './modules.ts';
import { restoredSession } from './restored.ts';
import { fromExit } from './results.ts';
import { agentWorld } from './world.ts';

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

const SWEEP_MS = 3_600_000;

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
    const identity = await identityFor(options);
    const stop = await run({ options, paths, identity, log });
    return {
      agentId: identity.agentId,
      async stop() {
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

async function run(from: {
  options: AgentOptions;
  paths: AgentPaths;
  identity: Identity;
  log: Logger;
}): Promise<() => Promise<void>> {
  const { options, paths, identity, log } = from;
  const { root, address, bind, local } = options;
  const spool = await Spool.open(paths.spool);
  for (const { path, reason } of spool.quarantined)
    log.error({ path, reason }, 'An entry of the journal was set aside');
  const modules = runnerModules();
  const pool = new RunnerPool({ spoolDir: paths.spool, command: modules.command });
  const logs = new LogSender(identity);
  const downloads = new Downloads(identity);
  const artifacts = new ArtifactStore(paths.artifacts, downloads);
  const gauges = new GaugeReader(paths.spool);
  const facts: HostFacts = await hostFacts({ root, address, bind, local }, (name, error) =>
    log.warn({ fact: name, err: error }, 'A fact of the host could not be found out'),
  );

  const attempts: Attempts = new Attempts({
    spool,
    pool,
    listener: {
      started(ref, { pid }) {
        logs.follow(ref, attempts.logFileOf(ref));
        driver.happened({ kind: 'started', attempt: ref, pid });
      },
      exited(ref, exit) {
        void attempts.logSizeOf(ref).then((size) => {
          logs.ended(ref, attempts.logFileOf(ref), size);
          driver.happened({ kind: 'exited', attempt: ref, result: fromExit(exit, size) });
          supervisor.lookSoon();
          if (exit.reason === 'ARTIFACT_INTEGRITY') void artifacts.dropDamaged();
        });
      },
      failed: (ref, error) => log.error({ ...ref, err: error }, 'The end of an attempt could not be seen'),
    },
  });
  const executor = new Executor({
    spool,
    attempts,
    artifacts,
    downloads,
    packagesDir: paths.downloads,
    jobModule: modules.job,
    log,
    finished(ref, result) {
      logs.ended(ref, attempts.logFileOf(ref), result.logSize);
      driver.happened({ kind: 'exited', attempt: ref, result });
    },
  });
  let stream = 0;
  let reachable = true;
  const connection: ControlConnection = new ControlConnection(identity, {
    opened(opened) {
      stream = opened;
      reachable = true;
      log.info({ server: identity.server }, 'Connected to the server');
      driver.happened({ kind: 'connected', stream: opened });
    },
    received(from, message) {
      if (message.watchComponents) return supervisor.watch(message.watchComponents.components);
      const said = fromWire(message);
      if (said) driver.happened({ kind: 'received', stream: from, message: said });
    },
    closed: (closed, why) => {
      log.warn({ why }, 'The connection to the server ended');
      driver.happened({ kind: 'disconnected', stream: closed });
    },
    retrying(why) {
      if (reachable) log.warn({ why, server: identity.server }, 'The server is out of reach; trying again and again');
      reachable = false;
    },
  });
  const supervisor = new Supervisor({
    componentsDir: paths.components,
    file: paths.watched,
    root,
    artifacts,
    log,
    changed: (components) => connection.send(stream, { componentStatuses: { components: [...components] } }),
  });
  const extras: Extras = {
    hello: () => ({
      agentBootId,
      hostBootId: spool.bootId,
      journalId: spool.journalId,
      agentVersion: VERSION,
      facts,
      components: supervisor.statuses(),
    }),
    gauges: () => gauges.read(),
  };
  const agentBootId = randomUUID();
  const session = await restoredSession({ identity, fenceFile: paths.fence, spool, attempts });
  const world = agentWorld({ fenceFile: paths.fence, connection, spool, pool, attempts, executor, extras, log });
  const driver: SessionDriver = new SessionDriver(session, world);
  for (const { ref, standing, result } of session.attempts.values()) {
    const file = attempts.logFileOf(ref);
    if (standing === 'EXITED') logs.ended(ref, file, result?.logSize ?? 0);
    else if (standing === 'STARTED') logs.follow(ref, file);
  }
  await supervisor.start();
  driver.happened({ kind: 'timer', timer: 'deadline' });
  connection.start();
  const sweeping = setInterval(
    () => void spool.sweep().catch((error: unknown) => log.error({ err: error }, 'The journal could not be swept')),
    SWEEP_MS,
  );
  log.info({ agentId: identity.agentId, root, bootId: readBootId(), version: VERSION }, 'The agent runs');

  return async () => {
    clearInterval(sweeping);
    connection.stop();
    driver.stop();
    supervisor.stop();
    gauges.stop();
    downloads.stop();
    attempts.close();
    pool.close();
    await logs.stop();
    await spool.close();
    log.info('The agent has stopped; components and tasks carry on');
  };
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

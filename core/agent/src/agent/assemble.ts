import { randomUUID } from 'node:crypto';
import type { HostFacts, TrustAuthorities__Output } from '@stackyard/proto';
import type { Logger } from 'pino';
import { ArtifactStore } from '../artifacts/store.ts';
import { ControlConnection } from '../connection/control.ts';
import type { Credentials } from '../connection/credentials.ts';
import { renewOnline } from '../connection/renew.ts';
import { Downloads } from '../connection/download.ts';
import { sha256sOf } from '../identity/authorities.ts';
import { renewExpired } from '../identity/enrol.ts';
import { Renewal } from '../identity/renewal.ts';
import { LauncherReport } from '../launcher/report.ts';
import { Updater } from '../launcher/updater.ts';
import { isDelivered, markDelivered } from '../logs/delivered.ts';
import { LogSender } from '../logs/sender.ts';
import type { AgentPaths } from '../paths.ts';
import { mechanismHere } from '../processes/cgroups.ts';
import { fetchSecrets } from '../secrets/fetch.ts';
import { SessionDriver } from '../session/driver.ts';
import { Attempts, RunnerPool, Spool } from '../spool/index.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { type Extras, fromWire } from '../wire.ts';
import { GaugeReader } from './gauges.ts';
import { type HostAddress, hostFacts, isSameHost } from './hostFacts.ts';
import { runnerModules } from './modules.ts';
import { preparation } from './preparation.ts';
import { restoredSession } from './restored.ts';
import { sweepEvery } from './sweep.ts';
import { agentWorld } from './world.ts';

/** How often to look whether the host has changed: a JDK was installed, a disk grew. */
const FACTS_MS = 60_000;

/** The server waits for a result, and for nothing that follows from it: that may take its time when the result is on its way. */
const AFTER_RESULT_MS = 50;
/** What takes longer to send than that is sent at once. */
const LONG_LOG_BYTES = 4 * 2 ** 20;
/** Many tasks are over by then, and no program has printed anything. */
const AFTER_START_MS = 5;

/** Wires the parts of an agent and starts them; gives back what stops them. */
export async function assemble(from: {
  options: HostAddress;
  paths: AgentPaths;
  credentials: Credentials;
  log: Logger;
  /** The server does not know this agent. */
  refused: () => void;
}): Promise<() => Promise<void>> {
  const { options, paths, credentials, log } = from;
  const { identity } = credentials;
  const { root, address, bind, local } = options;
  const launcher = new LauncherReport();
  const spool = await Spool.open(paths.spool);
  for (const { path, reason } of spool.quarantined)
    log.error({ path, reason }, 'An entry of the journal was set aside');
  const modules = runnerModules();
  const pool = new RunnerPool({
    spoolDir: paths.spool,
    command: modules.command,
    rehearses: modules.job,
  });
  const logs = new LogSender(credentials, (ref) => markDelivered(spool, ref));
  const downloads = new Downloads(credentials);
  const artifacts = new ArtifactStore(paths.artifacts, downloads);
  const gauges = new GaugeReader(paths.spool);
  const lookUpFacts = (): Promise<HostFacts> =>
    hostFacts({ root, address, bind, local }, (name, error) =>
      log.warn({ fact: name, err: error }, 'A fact of the host could not be found out'),
    ).then((found) => withLauncher(found, launcher));
  let facts = await lookUpFacts();

  const attempts: Attempts = new Attempts({
    spool,
    pool,
    prepare: preparation({
      artifacts,
      downloads,
      secrets: (attempt, sealed, signal) => fetchSecrets(credentials, { attempt, sealed, signal }),
      packagesDir: paths.downloads,
      jobModule: modules.job,
      logFileOf: (ref) => attempts.logFileOf(ref),
      log,
    }),
    alert: (message, ref, error) => log.error({ ...ref, err: error }, message),
    ended: (ref, how) => log.info({ ...ref, ...how }, 'An attempt was ended'),
  });
  let stream = 0;
  let reachable = true;
  let refusedBefore = false;
  const connection: ControlConnection = new ControlConnection(credentials, {
    opened(opened) {
      stream = opened;
      reachable = true;
      log.info({ server: identity.server }, 'Connected to the server');
      driver.happened({ kind: 'connected', stream: opened });
    },
    received(from, message) {
      if (message.trust) return trust(message.trust);
      if (message.heartbeatAck) launcher.connected();
      if (message.update) return updater.update(message.update);
      if (message.watchComponents) return supervisor.watch(message.watchComponents.components);
      const said = fromWire(message);
      if (said) driver.happened({ kind: 'received', stream: from, message: said });
    },
    closed: (closed, why, refused) => {
      log.warn({ why }, 'The connection to the server ended');
      driver.happened({ kind: 'disconnected', stream: closed });
      if (!refused) return;
      if (!refusedBefore) tellRefused(log, identity.server, supervisor.running());
      refusedBefore = true;
      from.refused();
    },
    retrying(why) {
      if (reachable) log.warn({ why, server: identity.server }, 'The server is out of reach; trying again and again');
      reachable = false;
    },
  });
  const renewal = new Renewal({
    credentials,
    online: (request) => renewOnline(credentials, request),
    expired: renewExpired,
    renewed: (expiresAt) => log.info({ expiresAt }, 'The certificate of this agent was renewed'),
    failed: (error) => log.warn({ err: error }, 'The certificate of this agent could not be renewed yet'),
  });
  const trust = (message: TrustAuthorities__Output): void => {
    renewal.trust(message).then(
      (trusted) => {
        if (trusted) connection.send(stream, { trusted: { sha256: trusted } });
        else log.error('The server asks to trust what is no authority of its installation; that is not done');
      },
      (error: unknown) => log.error({ err: error }, 'Whom the server asks to trust could not be stored'),
    );
  };
  const updater = new Updater({
    dir: launcher.dir,
    version: launcher.version,
    downloads,
    log,
    // As whoever stops an agent does: components and tasks carry on.
    staged: () => process.kill(process.pid, 'SIGTERM'),
    begun() {
      launcher.forget();
      facts = withLauncher(facts, launcher);
      connection.send(stream, { facts });
    },
    failed(version, reason) {
      launcher.refused = { version, reason };
      facts = withLauncher(facts, launcher);
      connection.send(stream, { facts });
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
      agentVersion: launcher.version,
      facts,
      components: supervisor.statuses(),
      trusted: sha256sOf(credentials.identity.authorities),
    }),
    gauges: () => gauges.read(),
  };
  const agentBootId = randomUUID();
  const session = await restoredSession({ identity, root, fenceFile: paths.fence, spool, attempts });
  const world = agentWorld({
    fenceFile: paths.fence,
    connection,
    attempts,
    recalled: (ref) => {
      log.info(ref, 'The server asks for a result again that it had acknowledged');
      logs.ended(ref, attempts.logFileOf(ref));
    },
    extras,
    log,
  });
  const driver: SessionDriver = new SessionDriver(session, world);
  attempts.attach((happening) => {
    driver.happened(happening);
    if (happening.kind === 'started') {
      const { attempt } = happening;
      setTimeout(() => logs.follow(attempt, attempts.logFileOf(attempt)), AFTER_START_MS).unref();
    }
    if (happening.kind !== 'exited') return;
    const { attempt, result } = happening;
    const waitMs = result.logSize > LONG_LOG_BYTES ? 0 : AFTER_RESULT_MS;
    setTimeout(() => {
      logs.ended(attempt, attempts.logFileOf(attempt));
      supervisor.lookSoon();
    }, waitMs).unref();
    if (result.reason === 'ARTIFACT_INTEGRITY') void artifacts.dropDamaged();
  });
  for (const { ref, standing } of session.attempts.values()) {
    const file = attempts.logFileOf(ref);
    if (standing === 'EXITED') logs.ended(ref, file);
    else if (standing === 'STARTED') logs.follow(ref, file);
  }
  // A result may have been acknowledged before the end of its log had reached the server.
  for (const { accepted } of await spool.settledResults()) {
    if (!isDelivered(spool, accepted)) logs.ended(accepted, attempts.logFileOf(accepted));
  }
  await supervisor.start();
  driver.happened({ kind: 'timer', timer: 'deadline' });
  connection.start();
  renewal.start();
  const factsTimer = setInterval(() => {
    void lookUpFacts().then((found) => {
      if (isSameHost(found, facts)) return;
      facts = found;
      connection.send(stream, { facts });
    });
  }, FACTS_MS).unref();
  const stopSweeping = sweepEvery({
    spool,
    artifacts,
    downloadsDir: paths.downloads,
    used: () => supervisor.artifactDigests(),
    isIdle: () => driver.state.attempts.size === 0,
    log,
  });
  log.info(
    { agentId: identity.agentId, root, bootId: spool.bootId, version: launcher.version, taskEnding: mechanismHere() },
    'The agent runs',
  );

  return async () => {
    clearInterval(factsTimer);
    stopSweeping();
    renewal.stop();
    connection.stop();
    driver.stop();
    supervisor.stop();
    gauges.stop();
    downloads.stop();
    attempts.close();
    await pool.close();
    await logs.stop();
    await spool.close();
    log.info('The agent has stopped; components and tasks carry on');
  };
}

/** A host that was removed as lost and came back: what runs there is nobody's any more. */
function tellRefused(log: Logger, server: string, running: ReturnType<Supervisor['running']>): void {
  const what =
    running.length > 0
      ? 'The server does not know this host any more, and its components still run. Stop them by hand, or give this agent a new join token'
      : 'The server does not know this host any more. Give this agent a new join token, or remove it';
  log.error({ server, running }, what);
}

/** What became of another version of the agent is a fact too. */
function withLauncher(facts: HostFacts, launcher: LauncherReport): HostFacts {
  const failed = launcher.failed();
  const { 'agent.failed': _earlier, ...more } = facts.more ?? {};
  const told = failed ? { 'agent.failed': `${failed.version} ${failed.reason}` } : {};
  return { ...facts, more: { ...more, 'agent.launcher': String(launcher.dir !== undefined), ...told } };
}

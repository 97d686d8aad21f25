import {
  after,
  defineComponent,
  defineConfig,
  defineService,
  defineStack,
  type Host,
  type LifecycleFunction,
  p,
} from '@stackyard/sdk';

const PHASES = ['install', 'configure', 'init', 'start', 'prepare', 'check', 'stop', 'remove'] as const;
type Phase = (typeof PHASES)[number];

const last = (phase: Phase) => p.duration(0).max(3_600_000).effect('none').help(`How long ${phase} lasts`);

/** With the defaults every phase ends at once, in silence and in success. */
export const behaviour = defineConfig('mock.yaml', {
  installMs: last('install'),
  configureMs: last('configure'),
  initMs: last('init'),
  startMs: last('start'),
  prepareMs: last('prepare'),
  checkMs: last('check'),
  stopMs: last('stop'),
  removeMs: last('remove'),
  lines: p.int(0).min(0).max(1_000_000).effect('none').help('Lines that every phase prints, spread over its time'),
  fail: p
    .list([])
    .pattern(/((worker|follower)\/)?(install|configure|init|start|prepare|check|stop|remove)/)
    .effect('none')
    .help('Phases that fail at their end, such as start or follower/start'),
  failOnHosts: p.list([]).effect('none').help('Hosts on which they fail; every host when empty'),
  note: p.text('').help('Anything; a change asks for a restart'),
});

/** A phase that lasts, prints and fails as configured, and ends at once when its task is cancelled. */
function behave(phase: Phase): LifecycleFunction {
  return async (host: Host) => {
    const lines = host.get(behaviour.lines);
    const pauseMs = host.get(behaviour[`${phase}Ms`]) / Math.max(lines, 1);
    for (let line = 1; line <= Math.max(lines, 1); line++) {
      if (pauseMs > 0) await host.wait(pauseMs);
      if (lines > 0) host.log(`${phase} ${line} of ${lines} on ${host.self.host}`);
    }
    const hosts = host.get(behaviour.failOnHosts);
    const chosen = hosts.length === 0 || hosts.includes(host.self.host);
    const names: string[] = [phase, `${host.self.component}/${phase}`];
    if (chosen && host.get(behaviour.fail).some((name) => names.includes(name))) {
      throw new Error(`${phase} fails on ${host.self.host} because mock.yaml says so.`);
    }
  };
}

const lifecycle = Object.fromEntries(PHASES.map((phase) => [phase, behave(phase)]));

export const worker = defineComponent('worker', {
  title: 'Worker',
  category: 'server',
  cardinality: '1+',
  config: [behaviour],
  lifecycle,
});

export const follower = defineComponent('follower', {
  title: 'Follower',
  category: 'server',
  cardinality: '0+',
  config: [behaviour],
  lifecycle,
  after: [after(worker)],
});

export const mock = defineService('mock', {
  title: 'Mock',
  description: 'Phases that last, print and fail as configured',
  version: '1.0.0',
  user: 'mock',
  components: [worker, follower],
});

export default defineStack({ services: [mock] });

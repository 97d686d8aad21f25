import type { ComponentStatus, HostFacts } from '@stackyard/proto';

/** A plausible host: every stack that asks for a JDK finds one. What a host says it is tells simulated ones apart. */
export const SIMULATED_OS = 'Simulated Linux';

export function simulatedFacts(hostName: string): HostFacts {
  return {
    hostname: hostName,
    os: SIMULATED_OS,
    osFamily: 'debian',
    kernel: '6.0',
    arch: 'x64',
    cpus: 8,
    memory: 32 * 2 ** 30,
    disk: 2 ** 40,
    java: [{ home: '/usr/lib/jvm/simulated-17', version: '17.0.15', vendor: 'Simulated' }],
    root: '/',
    address: hostName,
    bind: '0.0.0.0',
    local: false,
    privileged: true,
    more: {},
  };
}

/** A component that the last task left like this. */
export function simulatedStatus(hostComponentId: string, observed: string, ordinal: number): ComponentStatus {
  const pid = observed === 'RUNNING' ? process.pid : 0;
  return {
    hostComponentId,
    observed,
    ordinal,
    pid,
    restarts: 0,
    role: '',
    message: '',
    sinceMs: Date.now(),
    health: {},
  };
}

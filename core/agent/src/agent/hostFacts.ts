import type { HostFacts } from '@stackyard/proto';
import { collectFacts } from '../facts/index.ts';

/** How this host presents itself to the server and to the other hosts. */
export interface HostAddress {
  readonly root: string;
  /** What others reach it by. */
  readonly address: string;
  /** Where its components listen. */
  readonly bind: string;
  /** Whether several agents share this machine. */
  readonly local: boolean;
}

/** The facts of the host as the server is told them. */
export async function hostFacts(
  host: HostAddress,
  onFailure: (name: string, error: unknown) => void,
): Promise<HostFacts> {
  const { os, cpu, memory, disk, network, kernel, isolation, tools, java } = await collectFacts(host, onFailure);
  const more = {
    cpuModel: cpu?.model,
    memoryAvailable: memory?.available,
    swap: memory?.swap,
    diskFree: disk?.free,
    addresses: network?.addresses.join(','),
    bootId: kernel?.bootId,
    container: isolation?.container,
    systemd: isolation?.systemd,
    cgroup: isolation?.cgroup,
    taskEnding: isolation?.taskEnding,
    osId: os?.id,
    osVersion: os?.version,
    ...(tools ? Object.fromEntries(Object.entries(tools).map(([name, value]) => [`tool.${name}`, value])) : {}),
  };
  return {
    hostname: network?.hostname ?? '',
    os: os?.name ?? '',
    osFamily: os?.family ?? '',
    kernel: kernel?.release ?? '',
    arch: os?.arch ?? '',
    cpus: cpu?.count ?? 1,
    memory: memory?.total ?? 0,
    // The size, not what is free: what is rendered from it must not change by the hour.
    disk: disk?.total ?? 0,
    java: [...(java ?? [])],
    privileged: isolation?.privileged ?? false,
    ...host,
    more: Object.fromEntries(
      Object.entries(more).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
    ),
  };
}

/** Whether two looks at a host found the same, apart from what changes by the minute. */
export function isSameHost(one: HostFacts, other: HostFacts): boolean {
  return JSON.stringify({ ...one, more: {} }) === JSON.stringify({ ...other, more: {} });
}

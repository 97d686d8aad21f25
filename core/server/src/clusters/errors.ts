import { defineError } from '@stackyard/kernel';

export class NameTakenError extends defineError(
  'NAME_TAKEN',
  'The name is taken',
  ({ what, name }: { what: string; name: string }) => `There is a ${what} called ${name} already. Choose another name.`,
) {}

export class ClusterNotEmptyError extends defineError(
  'CLUSTER_NOT_EMPTY',
  'The cluster is not empty',
  ({ cluster, services }: { cluster: string; services: readonly string[] }) =>
    `The cluster ${cluster} still has ${services.join(', ')}. Remove ${services.length === 1 ? 'it' : 'them'} first.`,
) {}

export class ClusterBusyError extends defineError(
  'CLUSTER_BUSY',
  'The cluster has unfinished jobs',
  ({ cluster, jobs }: { cluster: string; jobs: number }) =>
    `The cluster ${cluster} has ${jobs} unfinished job${jobs === 1 ? '' : 's'}. Wait for ${jobs === 1 ? 'it' : 'them'}, or cancel.`,
) {}

export class HostInUseError extends defineError(
  'HOST_IN_USE',
  'The host is in use',
  ({ host, reason }: { host: string; reason: string }) => `The host ${host} ${reason}`,
) {}

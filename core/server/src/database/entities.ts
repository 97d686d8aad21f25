import { ApiToken, AuditEntry, IdempotencyKey } from './entities/access.ts';
import { Cluster, ConfigVersion, HostComponent, RenderedText, Service } from './entities/clusters.ts';
import { EventRun } from './entities/events.ts';
import { AgentCertificate, Host, JoinToken } from './entities/hosts.ts';
import { Installation } from './entities/installation.ts';
import { Attempt, Job, StoredPlan, Task } from './entities/jobs.ts';
import { PluginRecord } from './entities/plugins.ts';
import { Stack } from './entities/stacks.ts';
import { Allowance, Publisher, PublisherKey, StackPin, TrustPolicy } from './entities/trust.ts';

export * from './entities/access.ts';
export * from './entities/clusters.ts';
export * from './entities/events.ts';
export * from './entities/hosts.ts';
export * from './entities/installation.ts';
export * from './entities/jobs.ts';
export * from './entities/plugins.ts';
export * from './entities/stacks.ts';
export * from './entities/trust.ts';

/** Every table. */
export const entities = [
  Installation,
  Stack,
  Cluster,
  Host,
  JoinToken,
  AgentCertificate,
  Service,
  ConfigVersion,
  HostComponent,
  RenderedText,
  StoredPlan,
  Job,
  Task,
  Attempt,
  EventRun,
  IdempotencyKey,
  ApiToken,
  AuditEntry,
  PluginRecord,
  TrustPolicy,
  Publisher,
  PublisherKey,
  Allowance,
  StackPin,
] as const;

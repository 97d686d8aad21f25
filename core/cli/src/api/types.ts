import type { components } from './gen/schema.ts';

type Schemas = components['schemas'];

export type Cluster = Schemas['Cluster'];
export type Host = Schemas['Host'];
export type JoinToken = Schemas['JoinToken'];
export type Authority = Schemas['Authority'];
export type Service = Schemas['Service'];
export type HostComponent = Schemas['HostComponent'];
export type Config = Schemas['Config'];
export type ConfigVersion = Schemas['ConfigVersion'];
export type Property = Config['properties'][number];
export type Job = Schemas['Job'];
export type Task = Schemas['Task'];
export type Attempt = Schemas['Attempt'];
export type Action = Schemas['Action'];
export type Stack = Schemas['Stack'];
export type Publisher = Schemas['Publisher'];
export type Trust = Schemas['Trust'];
export type StoredPlan = Schemas['Plan'];
export type Recommendation = Schemas['Recommendation'];
export type PlanView = Schemas['PlanView'];
export type CommandRequest = Schemas['CommandInput'];
export type AgentUpdate = Schemas['AgentUpdate'];
export type Bootstrap = Schemas['Bootstrap'];
export type HostProgress = Schemas['HostProgress'];
export type Probed = Schemas['ProbedMachine'];
export type SshLogin = Schemas['SshLoginInput'];
/** Values by config and property. */
export type Values = ConfigVersion['values'];

export type StackDelivery = Schemas['StackDelivery'];
export type BundleImport = Schemas['BundleImport'];
export type FoundStack = Schemas['FoundStack'];
export type StackVersion = Schemas['StackVersions']['versions'][number];
export type OutdatedStack = Schemas['OutdatedStacks']['items'][number];
export type Registry = Schemas['Registry'];

export {
  action,
  type Action,
  type ActionFunction,
  type ActionOptions,
  type Inputs,
  type InputValues,
} from './action.ts';
export {
  after,
  type Cardinality,
  type Component,
  type ComponentOptions,
  type Decommission,
  defineComponent,
  type LifecyclePhase,
  type Neighbour,
  type Place,
  role,
  rolling,
  type Rolling,
  type Waiting,
} from './component.ts';
export {
  type AnyConfig,
  type Builders,
  type Config,
  type ConfigOptions,
  type ConfigPath,
  defineConfig,
  type Properties,
} from './config.ts';
export { type SourcePlace, StackDefinitionError, type StackProblem } from './errors.ts';
export {
  add,
  and,
  choose,
  clusterHosts,
  type ComponentName,
  concat,
  type Condition,
  count,
  div,
  type DirProperty,
  each,
  eq,
  type Expr,
  fact,
  ge,
  gt,
  hostPorts,
  importOf,
  le,
  lt,
  max,
  min,
  mul,
  ne,
  not,
  type Operand,
  or,
  orElse,
  own,
  type PortProperty,
  type Numbers,
  type Property,
  type PropertyType,
  self,
  sub,
  type Value,
} from './expression.ts';
export * from './host.ts';
export { alert, type AlertOptions, dashboard, panel, type Panel, type PanelOptions } from './monitoring.ts';
export {
  alive,
  command,
  http,
  type HttpProbe,
  jmx,
  type JmxProbe,
  jsonPath,
  labelOf,
  metric,
  type MetricProbe,
  type Port,
  prometheus,
  tcp,
  type TcpProbe,
} from './probe.ts';
export { exec, type ExecProcess, java, type JavaProcess, type Process } from './process.ts';
export {
  type Advice,
  type Default,
  type Numeric,
  p,
  type PropertyBuilder,
  type PropertyData,
  type Textual,
} from './property.ts';
export { onHosts, profile, type Profile, set, type Setting } from './profile.ts';
export { refuse, type Rule } from './rule.ts';
export {
  definePackage,
  defineService,
  defineStack,
  jdk,
  osPackages,
  type OsPackages,
  type PackageOptions,
  type Requirement,
  service,
  type Service,
  type ServiceOptions,
  type Stack,
  type StackOptions,
} from './service.ts';
export { until } from './until.ts';
export type { Json, Probe, PropertyRef } from '../manifest/expression.ts';
export type { HostFacts, Instance, Self } from '../manifest/inputs.ts';

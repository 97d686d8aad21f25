export { action, type Action, type ActionOptions } from './action.ts';
export {
  after,
  type Component,
  type ComponentOptions,
  type Decommission,
  defineComponent,
  type Place,
  role,
  rolling,
} from './component.ts';
export { type AnyConfig, type Config, type ConfigOptions, defineConfig } from './config.ts';
export { StackDefinitionError, type StackProblem } from './errors.ts';
export {
  add,
  and,
  choose,
  clusterHosts,
  concat,
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
  type Property,
  self,
  sub,
} from './expression.ts';
export * from './host.ts';
export { alert, dashboard, panel } from './monitoring.ts';
export { alive, command, http, jmx, jsonPath, metric, prometheus, tcp } from './probe.ts';
export { exec, java } from './process.ts';
export { p, type PropertyBuilder } from './property.ts';
export {
  definePackage,
  defineService,
  defineStack,
  jdk,
  osPackages,
  type Requirement,
  service,
  type Service,
  type Stack,
} from './service.ts';
export { until } from './until.ts';

export { after, type Component, type ComponentOptions, defineComponent, rolling } from './component.ts';
export { type AnyConfig, type Config, type ConfigOptions, defineConfig } from './config.ts';
export { StackDefinitionError, type StackProblem } from './errors.ts';
export {
  add,
  concat,
  count,
  div,
  type DirProperty,
  type Expr,
  fact,
  hostPorts,
  importOf,
  max,
  min,
  mul,
  type Operand,
  type PortProperty,
  type Property,
  self,
  sub,
} from './expression.ts';
export * from './host.ts';
export { alive, http, jsonPath, prometheus, tcp } from './probe.ts';
export { exec, java } from './process.ts';
export { p, type PropertyBuilder } from './property.ts';
export {
  definePackage,
  defineService,
  defineStack,
  jdk,
  type Requirement,
  service,
  type Service,
  type Stack,
} from './service.ts';
export { until } from './until.ts';

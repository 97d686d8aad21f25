import type { Expression, Probe } from './expression.ts';
import type { ComponentManifest, ServiceManifest } from './manifest.ts';

/** An expression of a service with the place where it stands. */
export interface PlacedExpression {
  readonly where: string;
  readonly expression: Expression;
}

/** Every expression of a service. */
export function expressionsOf(service: ServiceManifest): PlacedExpression[] {
  return [
    ...service.configs.flatMap((config) =>
      config.properties.flatMap((property) =>
        property.default === undefined
          ? []
          : [{ where: `${service.name} ${config.name} ${property.name}`, expression: property.default }],
      ),
    ),
    ...service.components.flatMap((component) =>
      ofComponent(component).map(([place, expression]) => ({
        where: `${service.name}/${component.name} ${place}`,
        expression,
      })),
    ),
    ...Object.entries(service.exports).map(([name, expression]) => ({
      where: `${service.name} export ${name}`,
      expression,
    })),
  ];
}

function ofComponent(component: ComponentManifest): [place: string, Expression][] {
  const { process, role, metrics } = component;
  return [
    ...(process
      ? ([
          ['process.program', process.program],
          ...process.args.map((arg, index): [string, Expression] => [`process.args[${index}]`, arg]),
          ...Object.entries(process.env).map(([name, value]): [string, Expression] => [`process.env.${name}`, value]),
          ...ofProbe('process.ready', process.ready),
        ] as [string, Expression][])
      : []),
    ...component.files.flatMap((file): [string, Expression][] => [
      [`file ${file.name}`, file.content],
      [`file ${file.name}`, { property: file.in }],
    ]),
    ...component.dirs.map((directory): [string, Expression] => ['dirs', { property: directory }]),
    ...Object.entries(component.health).flatMap(([name, probe]) => ofProbe(`health.${name}`, probe)),
    ...(role ? ofProbe('role', role) : []),
    ...(metrics ? ([['metrics.port', metrics.port]] as [string, Expression][]) : []),
    ...Object.entries(component.links).map(([title, { port }]): [string, Expression] => [`link ${title}`, port]),
  ];
}

function ofProbe(place: string, probe: Probe): [string, Expression][] {
  return probe.kind === 'process' ? [] : [[`${place}.port`, probe.port]];
}

/** An expression and all that it is made of. */
export function partsOf(expression: Expression): Expression[] {
  if ('concat' in expression) return [expression, ...expression.concat.flatMap(partsOf)];
  if ('op' in expression) return [expression, ...expression.of.flatMap(partsOf)];
  return [expression];
}

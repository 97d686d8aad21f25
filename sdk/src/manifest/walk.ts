import type { PropertyManifest } from './config.ts';
import type { Expression, Probe } from './expression.ts';
import type { ComponentManifest, ServiceManifest } from './manifest.ts';

/** An expression of a service with the place where it stands. */
export interface PlacedExpression {
  readonly where: string;
  readonly expression: Expression;
}

/** Every expression of a service. */
export function expressionsOf(
  service: Pick<ServiceManifest, 'name' | 'configs' | 'components' | 'exports' | 'rules'>,
): PlacedExpression[] {
  return [
    ...service.configs.flatMap((config) =>
      config.properties.flatMap((property) =>
        ofProperty(property).map((expression) => ({
          where: `${service.name} ${config.name} ${property.name}`,
          expression,
        })),
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
    ...(service.rules ?? []).map(({ refuse }, index) => ({
      where: `${service.name} rule ${index + 1}`,
      expression: refuse,
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
    ...Object.entries(component.place ?? {}).flatMap(([name, value]): [string, Expression][] =>
      value ? [[`place.${name}`, value]] : [],
    ),
    ...(component.actions ?? []).flatMap((action) =>
      action.input.flatMap((property) =>
        ofProperty(property).map((each): [string, Expression] => [`action ${action.name} ${property.name}`, each]),
      ),
    ),
  ];
}

function ofProperty({ default: value, when }: PropertyManifest): Expression[] {
  return [value, when].filter((expression) => expression !== undefined);
}

function ofProbe(place: string, probe: Probe): [string, Expression][] {
  if (probe.kind === 'process') return [];
  if (probe.kind !== 'exec') return [[`${place}.port`, probe.port]];
  return [
    [`${place}.program`, probe.program],
    ...probe.args.map((arg, index): [string, Expression] => [`${place}.args[${index}]`, arg]),
    ...Object.entries(probe.env).map(([name, value]): [string, Expression] => [`${place}.env.${name}`, value]),
  ];
}

/** An expression and all that it is made of. */
export function partsOf(expression: Expression): Expression[] {
  return [expression, ...directPartsOf(expression).flatMap(partsOf)];
}

/** What an expression is made of, one level down. */
export function directPartsOf(expression: Expression): readonly Expression[] {
  if ('concat' in expression) return expression.concat;
  if ('op' in expression) return expression.of;
  if ('choose' in expression) return expression.choose;
  if ('orElse' in expression) return expression.orElse;
  if ('each' in expression) return [expression.each.of];
  return [];
}

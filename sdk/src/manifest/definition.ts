import semver from 'semver';
import type { StackProblem } from '../define/errors.ts';
import { FORMAT_WRITERS } from '../render/formats.ts';
import { didYouMean } from '../render/nearest.ts';
import type { ConfigManifest } from './config.ts';
import { cyclesOf } from './cycles.ts';
import { neighbourProblems } from './neighbours.ts';
import type { ComponentManifest, ServiceManifest, StackManifest } from './manifest.ts';
import { selectorsWithoutLabels } from './promql.ts';
import { partsOf } from './walk.ts';

/**
 * What an author is told beyond what makes a manifest unusable: contradictions that no cluster can satisfy, ports that
 * clash, rules that would look at other clusters, help that is missing.
 */
export function checkDefinition(manifest: StackManifest): StackProblem[] {
  return [
    ...manifest.services.flatMap((service) => [
      ...service.configs.flatMap((config) => checkConfig(service, config)),
      ...service.components.flatMap((component) => checkComponent(service, component)),
      ...upgrade(service),
      ...rules(service),
    ]),
    ...foreignNames(manifest),
    ...waits(manifest),
    ...neighbourProblems(manifest),
  ];
}

function checkConfig(service: ServiceManifest, config: ConfigManifest): StackProblem[] {
  const where = `${service.name} ${config.name}`;
  const silent = config.properties.filter(({ help }) => help.trim() === '');
  return [
    ...silent.map(({ name }) =>
      warning(
        `${where} ${name}`,
        'it does not say what it is for',
        "add `.help('…')`, one sentence without a full stop",
      ),
    ),
    ...(config.file ? keys(where, config) : []),
  ];
}

/** Keys that the format of the file cannot hold, or would hold twice. */
function keys(where: string, { format, properties, template }: ConfigManifest): StackProblem[] {
  // What a template writes is looked at with the template.
  if (template !== undefined || format === 'text') return [];
  const writer = FORMAT_WRITERS[format];
  const named = properties
    .filter(({ type }) => type !== 'map' || writer.nested)
    .map(({ name, key = name }) => ({ name, key }));
  return named.flatMap(({ name, key }, index) => {
    if (named.findIndex((other) => other.key === key) !== index) {
      return [error(`${where} ${name}`, `the file would have the key ${key} twice`, 'change one `.key(…)`')];
    }
    try {
      writer.entry(key, '');
      return [];
    } catch (fault) {
      const reason = (fault as Error).message.replace(/\.$/, '');
      return [error(`${where} ${name}`, reason, 'change its `.key(…)`')];
    }
  });
}

function checkComponent(service: ServiceManifest, component: ComponentManifest): StackProblem[] {
  const where = `${service.name}/${component.name}`;
  const configs = service.configs.filter(({ name }) => component.configs.includes(name));
  return [
    ...ports(service, configs),
    ...links(where, service, component),
    ...processProbes(where, component),
    ...places(where, component),
    ...silentActions(where, component),
  ];
}

/** Literal defaults of one component's ports. Those that are not always in use may share one. */
function ports(service: ServiceManifest, configs: readonly ConfigManifest[]): StackProblem[] {
  const all = configs.flatMap((config) =>
    config.properties.flatMap(({ name, type, when, default: value }) =>
      type === 'port' && !when && value && 'literal' in value
        ? [{ at: `${config.name} ${name}`, port: value.literal }]
        : [],
    ),
  );
  return all.flatMap(({ at, port }, index) => {
    const first = all.find((other) => other.port === port);
    if (!first || all.indexOf(first) === index) return [];
    return [
      error(
        `${service.name} ${at}`,
        `its default ${JSON.stringify(port)} is that of ${first.at} too`,
        'give it another port',
      ),
    ];
  });
}

function links(where: string, service: ServiceManifest, component: ComponentManifest): StackProblem[] {
  return Object.entries(component.links).flatMap(([title, { port }]) => {
    if (!('property' in port)) return [];
    const { config, property } = port.property;
    if (service.components.some((other) => other.configs.includes(config))) return [];
    const reason = `its port ${property} of ${config} belongs to no component`;
    return [error(`${where} link ${title}`, reason, `list ${config} in "config" of ${component.name}`)];
  });
}

/** Probes that look at a declared process, of a component without one. */
function processProbes(where: string, { process, health }: ComponentManifest): StackProblem[] {
  return Object.entries(health)
    .filter(([, probe]) => probe.kind === 'process' && !process)
    .map(([name]) =>
      error(`${where} health.${name}`, 'it looks at a declared process, and there is none', 'use another probe'),
    );
}

/** A place is chosen before there is a host component that could tell anything of itself. */
function places(where: string, { place = {} }: ComponentManifest): StackProblem[] {
  return Object.entries(place)
    .filter(
      ([, expression]) => expression && partsOf(expression).some((part) => 'self' in part || 'configPath' in part),
    )
    .map(([name]) =>
      error(
        `${where} place.${name}`,
        'it names facts of a host component, which is not there yet',
        'use facts of the host',
      ),
    );
}

/** `service/component` of this stack, or of a service that is required. */
function foreignNames({ services }: StackManifest): StackProblem[] {
  return services.flatMap((service) =>
    service.components.flatMap((component) => {
      const where = `${service.name}/${component.name}`;
      const needed = [...component.after.map(({ on }) => on), ...(component.with ?? []).map((each) => each.component)];
      const named = [...needed, ...(component.notWith ?? []).map((each) => each.component)];
      return [...new Set(named)].flatMap((name) => {
        const [owner = '', part = ''] = name.split('/');
        if (!name.includes('/')) return [];
        const own = services.find((other) => other.name === owner);
        const known = own?.components.map((each) => each.name) ?? [];
        if (own && !known.includes(part)) {
          return [
            error(where, `service ${owner} has no component ${part}${didYouMean(part, known)}`, 'correct the name'),
          ];
        }
        const isRequired = service.requires.services.some((each) => each.service === owner);
        if (own || isRequired || !needed.includes(name)) return [];
        const reason = `service ${owner} of ${name} is neither of this stack nor required`;
        return [error(where, reason, `add service('${owner}', …) to \`requires\``)];
      });
    }),
  );
}

function silentActions(where: string, component: ComponentManifest): StackProblem[] {
  return (component.actions ?? []).flatMap(({ name, help, input }) => [
    ...(help.trim() === '' ? [warning(`${where} action ${name}`, 'it does not say what it does', 'add `help`')] : []),
    ...input
      .filter((property) => property.help.trim() === '')
      .map((property) =>
        warning(`${where} action ${name} ${property.name}`, 'it does not say what it is for', "add `.help('…')`"),
      ),
  ]);
}

/** Ranges of `upgrade` that leave nothing to upgrade from, or to go back to. */
function upgrade({ name, version, upgrade: ranges }: ServiceManifest): StackProblem[] {
  const own = semver.coerce(version)?.version;
  if (!ranges || own === undefined) return [];
  const lower = (range: string): boolean => semver.validRange(range) === null || semver.intersects(range, `<=${own}`);
  return [
    ...(lower(ranges.from)
      ? []
      : [error(name, `upgrade.from ${ranges.from} names no version up to its own, ${version}`, 'name an older one')]),
    ...(ranges.backTo === undefined || lower(ranges.backTo)
      ? []
      : [error(name, `upgrade.backTo ${ranges.backTo} names no version below its own`, 'name an older one')]),
  ];
}

/** Alerts and dashboards see the services of every cluster; only `$labels` keeps them to their own. */
function rules(service: ServiceManifest): StackProblem[] {
  const expressions = [
    ...(service.alerts ?? []).map(({ name, expr }) => ({ where: `${service.name} alert ${name}`, expr })),
    ...(service.dashboards ?? []).flatMap(({ name, panels }) =>
      panels.flatMap(({ title, queries }) =>
        queries.map(({ expr }) => ({ where: `${service.name} dashboard ${name} panel ${title}`, expr })),
      ),
    ),
  ];
  const words = (service.alerts ?? []).flatMap(({ name, summary, remedy }) =>
    Object.entries({ summary, remedy })
      .filter(([, text]) => text.trim() === '')
      .map(([key]) =>
        error(`${service.name} alert ${name}`, `its ${key} is empty`, 'write a sentence for the operator'),
      ),
  );
  return [
    ...words,
    ...expressions.flatMap(({ where, expr }) =>
      selectorsWithoutLabels(expr).map((selector) =>
        error(where, `${selector} would take the series of every cluster`, 'put $labels in its braces: name{$labels}'),
      ),
    ),
  ];
}

const STEPS = ['install', 'configure', 'init', 'start', 'prepare', 'check'] as const;

/** Steps that wait for each other. Between services only what this stack says is known. */
function waits({ services }: StackManifest): StackProblem[] {
  const needs = new Map<string, string[]>();
  const need = (step: string, other: string): void => void needs.set(step, [...(needs.get(step) ?? []), other]);
  for (const service of services) {
    for (const component of service.components) {
      const own = `${service.name}/${component.name}`;
      for (const [index, step] of STEPS.entries()) {
        needs.set(`${own} ${step}`, needs.get(`${own} ${step}`) ?? []);
        if (index > 0) need(`${own} ${step}`, `${own} ${STEPS[index - 1]}`);
      }
      for (const { on, phase, after } of component.after) {
        need(`${own} ${phase}`, `${on.includes('/') ? on : `${service.name}/${on}`} ${after}`);
      }
    }
    for (const { service: required } of service.requires.services) need(service.name, required);
  }
  return cyclesOf(needs).map((cycle) =>
    error(cycle[0]!.split(' ')[0]!, `these wait for each other: ${cycle.join(' → ')}`, 'drop one of the dependencies'),
  );
}

function error(where: string, reason: string, remedy: string): StackProblem {
  return { where, reason, remedy };
}

function warning(where: string, reason: string, remedy: string): StackProblem {
  return { where, reason, remedy, severity: 'warning' };
}

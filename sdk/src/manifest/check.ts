import semver from 'semver';
import type { StackProblem } from '../define/errors.ts';
import { compilePattern, patternCost, PatternError } from '../pattern/pattern.ts';
import { checkValue } from '../render/check.ts';
import { didYouMean } from '../render/nearest.ts';
import { isSecret } from '../render/secret.ts';
import type { ConfigManifest, PropertyManifest } from './config.ts';
import type { Expression, PropertyRef } from './expression.ts';
import { kindFaults, kindOf, propertyKindFaults } from './kinds.ts';
import { JAVA_RUNTIME } from './javaRuntime.ts';
import type { ActionManifest, ComponentManifest, ServiceManifest, StackManifest } from './manifest.ts';
import { cyclesOf } from './cycles.ts';
import { profileFaults } from './profiles.ts';
import { directPartsOf, expressionsOf, partsOf } from './walk.ts';

/**
 * What is wrong in a manifest that its schema cannot see: names that lead nowhere, defaults that break their own
 * bounds, secrets where everybody would see them. Empty when it can be used.
 */
export function checkManifest(manifest: StackManifest, templates: readonly string[]): StackProblem[] {
  const costly = patternsTogether(manifest);
  if (costly.length > 0) return costly;
  return [
    ...(semver.valid(manifest.version)
      ? []
      : [problem('the stack', `its version ${manifest.version} is no semantic version`, 'use one such as 1.2.3')]),
    ...twice('', manifest.services, ''),
    ...manifest.services.flatMap((service) => checkService(service, templates)),
  ];
}

function checkService(service: ServiceManifest, templates: readonly string[]): StackProblem[] {
  return [
    ...twice(service.name, service.configs),
    ...twice(service.name, service.components, '/'),
    ...twice(`${service.name} package`, service.packages),
    ...twice(`${service.name} alert`, service.alerts ?? []),
    ...twice(`${service.name} dashboard`, service.dashboards ?? []),
    ...service.packages.flatMap(({ name, origins }) =>
      origins.url || origins.maven || origins.pypi
        ? []
        : [problem(`${service.name} package ${name}`, 'it comes from nowhere', 'give it a url or maven coordinates')],
    ),
    ...service.packages
      .filter(({ name }) => name === JAVA_RUNTIME)
      .map(() =>
        problem(
          `${service.name} package ${JAVA_RUNTIME}`,
          'the server calls the Java so that it gives to hosts',
          'choose another name, or require it by `jdk`',
        ),
      ),
    ...ranges(service),
    ...service.configs.flatMap((config) => checkConfig(service, config, templates)),
    ...service.components.flatMap((component) => checkComponent(service, component)),
    ...expressionsOf(service).flatMap(({ where, expression }) => [
      ...partsOf(expression).flatMap((part) => checkReference(service, where, part)),
      ...kindFaults(expression, service.configs).map((reason) => problem(where, reason, 'give it what it needs')),
    ]),
    ...Object.entries(service.exports).flatMap(([name, expression]) =>
      namesOneHost(expression)
        ? [
            problem(
              `${service.name} export ${name}`,
              'it names facts of one host component, and an export is of the whole service',
              'use `hostPorts` or `each` of a component',
            ),
          ]
        : [],
    ),
    ...(service.rules ?? []).flatMap(({ refuse }, index) =>
      ruleFaults(refuse, service, `${service.name} rule ${index + 1}`),
    ),
    ...profileFaults(service),
    ...circles(service),
  ];
}

function checkConfig(service: ServiceManifest, config: ConfigManifest, templates: readonly string[]): StackProblem[] {
  const where = `${service.name} ${config.name}`;
  const { template } = config;
  return [
    ...twice(where, config.properties),
    ...(template !== undefined && !templates.includes(template)
      ? [problem(where, `its template templates/${template} is not there${didYouMean(template, templates)}`, 'add it')]
      : []),
    ...(config.file && config.format === 'text' && template === undefined
      ? [problem(where, 'a file of format text needs a template', `add templates/${config.name}.hbs`)]
      : []),
    ...config.properties.flatMap((property) => [
      ...checkProperty(`${where} ${property.name}`, property),
      ...propertyKindFaults(property, service.configs).map((reason) =>
        problem(`${where} ${property.name}`, reason, 'change the expression or the type'),
      ),
    ]),
  ];
}

function checkProperty(where: string, property: PropertyManifest): StackProblem[] {
  if (property.type === 'secret') {
    if (property.default) {
      return [problem(where, 'a secret has a default, which everybody knows', 'leave it out: the operator gives one')];
    }
    if (property.generated) return [problem(where, 'what is generated is kept for all to see', 'make it a text')];
  }
  const badPattern = patternFault(property.pattern);
  if (badPattern) return [problem(where, `its pattern cannot be used: ${badPattern.message}`, badPattern.remedy)];
  if (property.offsetByOrdinal && property.type !== 'port') {
    return [problem(where, 'only a port can be shifted by the ordinal', 'make it a port')];
  }
  const { min, max, advise } = property;
  if (min !== undefined && max !== undefined && min > max) {
    return [problem(where, `no value is at least ${min} and at most ${max}`, 'change the bounds')];
  }
  const [low = min ?? -Infinity, high = max ?? Infinity] = [advise?.min, advise?.max];
  if (low > high || low < (min ?? -Infinity) || high > (max ?? Infinity)) {
    return [problem(where, 'what it advises is not within its bounds', 'advise less than `min` and `max` allow')];
  }
  if (!property.default || !('literal' in property.default)) return [];
  const wrong = checkValue(property, property.default.literal);
  return wrong ? [problem(where, `its default ${wrong.why}`, 'change the default or the bounds')] : [];
}

/** Steps of all patterns of a stack: whoever reads it compiles them all. */
const MAX_PATTERNS = 50_000;

function patternsTogether({ services }: StackManifest): StackProblem[] {
  const patterns = services.flatMap(({ configs, components }) =>
    [
      ...configs.flatMap(({ properties }) => properties),
      ...components.flatMap(({ actions = [] }) => actions.flatMap(({ input }) => input)),
    ].flatMap(({ pattern }) => (pattern === undefined ? [] : [pattern])),
  );
  let cost = 0;
  for (const pattern of patterns) if ((cost += patternCost(pattern)) > MAX_PATTERNS) break;
  const reason = `its patterns have more than ${MAX_PATTERNS} steps together`;
  return cost > MAX_PATTERNS ? [problem('the stack', reason, 'write shorter ones, or fewer')] : [];
}

function patternFault(pattern: string | undefined): PatternError | undefined {
  try {
    if (pattern !== undefined) compilePattern(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof PatternError) return error;
    throw error;
  }
}

function checkComponent(service: ServiceManifest, component: ComponentManifest): StackProblem[] {
  const where = `${service.name}/${component.name}`;
  const components = service.components.map(({ name }) => name);
  const [low, high] = component.cardinality.split('-').map(Number);
  const { with: near = [], notWith = [], decommission } = component;
  const own = [
    ...component.after.map(({ on }) => on),
    ...[...near, ...notWith].map((neighbour) => neighbour.component),
    ...(decommission?.by === undefined ? [] : [decommission.by]),
    ...(component.turnsAfter === undefined ? [] : [component.turnsAfter]),
  ].filter((name) => !name.includes('/'));
  const files = component.files.filter(({ in: { config, property } }) => {
    const found = service.configs.find(({ name }) => name === config)?.properties.find(({ name }) => name === property);
    return found && found.type !== 'dir';
  });
  return [
    ...(low !== undefined && high !== undefined && low > high
      ? [problem(where, `its cardinality ${component.cardinality} is empty`, 'write the smaller number first')]
      : []),
    ...unknown(
      where,
      'config',
      component.configs,
      service.configs.map(({ name }) => name),
    ),
    ...unknown(where, 'component', own, components),
    ...(component.lastRole !== undefined && !component.role
      ? [problem(where, 'its turns end with a role, but it has no `role` probe', 'add the probe')]
      : []),
    ...(component.actions ?? []).flatMap((action) =>
      action.input.flatMap((property) =>
        checkInput(`${where} action ${action.name} ${property.name}`, action, property),
      ),
    ),
    ...twice(where, component.actions ?? []),
    ...(component.actions ?? []).flatMap((action) => twice(`${where} action ${action.name}`, action.input)),
    ...files.map(({ name }) => problem(`${where} file ${name}`, '`in` is no directory', 'name a property of type dir')),
  ];
}

/** What an operator is asked for. Its conditions and defaults may name each other, by a config that is called `.`. */
function checkInput(where: string, { input }: ActionManifest, property: PropertyManifest): StackProblem[] {
  const own = [property.default, property.when].flatMap((each) => (each ? partsOf(each) : []));
  const names = own.flatMap((part) =>
    'property' in part && part.property.config === INPUT ? [part.property.property] : [],
  );
  return [
    ...checkProperty(where, property),
    ...(property.type === 'secret'
      ? [
          problem(
            where,
            'what an action is asked is kept with its job for all to see',
            'make it a property of a config',
          ),
        ]
      : []),
    ...(property.generated ? [problem(where, 'nothing is made for an action by the server', 'give it a default')] : []),
    ...unknown(
      where,
      'input',
      names,
      input.map(({ name }) => name),
    ),
  ];
}

const INPUT = '.';

/** Names that an expression uses. */
function checkReference(service: ServiceManifest, where: string, part: Expression): StackProblem[] {
  const configs = service.configs.map(({ name }) => name);
  const components = service.components.map(({ name }) => name);
  if ('property' in part) {
    // What an action asks for is checked with the action.
    if (part.property.config === INPUT && where.includes(' action ')) return [];
    return [...propertyFaults(service, where, part.property), ...secretFaults(service, where, part.property)];
  }
  if ('configPath' in part) return unknown(where, 'config', [part.configPath], configs);
  if ('count' in part) return unknown(where, 'component', [part.count], components);
  if ('each' in part) return unknown(where, 'component', [part.each.component], components);
  if ('cluster' in part && !/ place\.(hosts|score)$/.test(where)) {
    return [problem(where, 'only `place` may ask for the hosts of the cluster', 'use `count` of a component')];
  }
  if ('hostPorts' in part) {
    const { component, port } = part.hostPorts;
    return [...unknown(where, 'component', [component], components), ...propertyFaults(service, where, port)];
  }
  if ('import' in part) {
    const required = service.requires.services.map((requirement) => requirement.service);
    return unknown(where, 'required service', [part.import.service], required);
  }
  if ('self' in part && part.self === 'packageDir' && service.packages.length === 0) {
    return [problem(where, 'it names the package directory of a service without a package', 'add a package')];
  }
  return [];
}

function propertyFaults(service: ServiceManifest, where: string, ref: PropertyRef): StackProblem[] {
  const config = service.configs.find(({ name }) => name === ref.config);
  if (!config) {
    return [problem(where, `config ${ref.config} belongs to no component of ${service.name}`, 'list it in `config`')];
  }
  return unknown(
    where,
    'property',
    [ref.property],
    config.properties.map(({ name }) => name),
  );
}

/** Arguments are visible to everybody on the host, and what is not a variable of the process is shown or watched. */
function secretFaults(service: ServiceManifest, where: string, { config, property }: PropertyRef): StackProblem[] {
  if (!isSecret(service.configs, config, property) || / process\.env\.\w+$/.test(where)) return [];
  const seen = /args\[\d+\]$/.test(where)
    ? 'arguments are visible to everybody on the host'
    : 'it would be visible there';
  return [
    problem(
      where,
      `it uses the secret ${property} of ${config}, and ${seen}`,
      'use it in a config file, in `env` of the process, or by `host.get` in a function',
    ),
  ];
}

function ranges(service: ServiceManifest): StackProblem[] {
  const { from, backTo } = service.upgrade ?? {};
  const all = [
    { of: 'the JDK', range: service.requires.jdk ?? '*' },
    ...service.requires.services.map(({ service: of, range }) => ({ of, range })),
    { of: 'the product to upgrade from', range: from ?? '*' },
    { of: 'the product to go back to', range: backTo ?? '*' },
  ];
  return all
    .filter(({ range }) => semver.validRange(range) === null)
    .map(({ of, range }) =>
      problem(service.name, `${range} is no range of versions of ${of}`, "use one such as '>=11'"),
    );
}

function unknown(where: string, what: string, names: readonly string[], known: readonly string[]): StackProblem[] {
  return names
    .filter((name) => !known.includes(name))
    .map((name) => problem(where, `there is no ${what} ${name}${didYouMean(name, known)}`, 'correct the name'));
}

function twice(where: string, named: readonly { readonly name: string }[], separator = ' '): StackProblem[] {
  const names = named.map(({ name }) => name);
  return names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) =>
      problem(`${where}${separator}${name}`, 'it is defined twice', 'use one object for both, or rename one'),
    );
}

/** Whether an expression needs the one host component it is evaluated for; inside `each` there is one. */
/** A rule is asked of the whole service, and is broken or not. */
function ruleFaults(refuse: Expression, { configs }: ServiceManifest, where: string): StackProblem[] {
  if (namesOneHost(refuse))
    return [
      problem(where, 'it names facts of one host component, and a rule is of the whole service', 'count components'),
    ];
  const kind = kindOf(refuse, configs);
  return kind === 'condition' || kind === 'any'
    ? []
    : [problem(where, 'it is no condition', 'compare something, such as `gt(count(server), 1)`')];
}

function namesOneHost(expression: Expression): boolean {
  if ('self' in expression || 'configPath' in expression) return true;
  return !('each' in expression) && directPartsOf(expression).some(namesOneHost);
}

/** Properties whose default or condition needs themselves. */
function circles(service: ServiceManifest): StackProblem[] {
  const needs = new Map<string, string[]>();
  for (const config of service.configs) {
    for (const { name, default: value, when } of config.properties) {
      const parts = [value, when].flatMap((expression) => (expression ? partsOf(expression) : []));
      needs.set(
        `${config.name} ${name}`,
        parts.flatMap((part) => {
          if ('property' in part) return [`${part.property.config} ${part.property.property}`];
          return 'hostPorts' in part ? [`${part.hostPorts.port.config} ${part.hostPorts.port.property}`] : [];
        }),
      );
    }
  }
  return cyclesOf(needs).map((cycle) =>
    problem(
      `${service.name} ${cycle[0]}`,
      `its default or condition needs itself (${cycle.join(' → ')})`,
      'give one of them a constant',
    ),
  );
}

function problem(where: string, reason: string, remedy: string): StackProblem {
  return { where, reason, remedy };
}

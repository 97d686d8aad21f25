import type { PlanView } from '../api/types.ts';
import { type Colours, padEnd } from './terminal.ts';

export interface PlanTextOptions {
  readonly colours: Colours;
  /** Also the content of new files. */
  readonly full?: boolean | undefined;
}

/** A plan as a person reads it before saying yes: what comes, what changes, what restarts, what goes. */
export function planText(plan: PlanView, { colours, full = false }: PlanTextOptions): string {
  const { bold, dim, green, red, yellow } = colours;
  const sections: string[][] = [
    [bold(plan.title)],
    upgrade(plan, colours),
    placed(plan.added, ({ name, where, key }) => {
      const reason = plan.reasons[key];
      return `${green('+')} ${name}  ${where}${reason === undefined ? '' : dim(`  (${reason})`)}`;
    }),
    placed(plan.removed, ({ name, where }) => `${red('-')} ${name}  ${where}`),
    placed(plan.leaving, ({ name, where }) => `${yellow('→')} ${name}  ${where} ${dim('(is emptied, to be removed)')}`),
    placed(plan.returning, ({ name, where }) => `${green('←')} ${name}  ${where} ${dim('(is taken in again)')}`),
    removedData(plan, colours),
    osPackages(plan, colours),
    profiles(plan, colours),
    java(plan, colours),
    files(plan, colours, full),
    grouped(plan.restarts, ({ reason }) => reason).map(
      ([reason, where]) => `${yellow('↻')} restarts ${where} ${dim(`(${reason})`)}`,
    ),
    turns(plan, colours),
    grouped(plan.skipped, ({ reason }) => reason).map(([reason, where]) => dim(`· skips ${where} (${reason})`)),
    plan.joiningHosts.length > 0
      ? [`${plan.joiningHosts.join(', ')} join${plan.joiningHosts.length === 1 ? 's' : ''} the cluster`]
      : [],
    plan.danger === null ? [] : [red(bold(`! ${plan.danger}`))],
    plan.warnings.map(({ message }) => yellow(`! ${message}`)),
    [dim(taskSummary(plan))],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines, index) => lines.map((line) => `${index === 0 ? '' : '  '}${line}\n`).join(''))
    .join('\n');
}

/** Whether executing it would do anything at all. */
export function isEmptyPlan({ tasks, added, removed, leaving, returning }: PlanView): boolean {
  return tasks.length + added.length + removed.length + leaving.length + returning.length === 0;
}

/** From which version to which, and what becomes of properties. */
function upgrade({ upgrade: found }: PlanView, { bold, dim, green, red, yellow }: Colours): string[] {
  if (!found) return [];
  const { from, to, packages, properties, newComponents } = found;
  const name = (one: typeof from) => `${one.product} (${one.stack} ${one.version})`;
  const text = (value: unknown): string => (value === undefined ? 'no value' : JSON.stringify(value));
  const line: Record<(typeof properties)[number]['change'], (at: string, before: unknown, after: unknown) => string> = {
    new: (at, _, after) => `${green('+')} ${at} is new, ${text(after)} by default`,
    gone: (at, before) =>
      `${red('-')} ${at} is gone${before === undefined ? '' : `; its value ${text(before)} is laid aside`}`,
    returned: (at, _, after) => `${green('+')} ${at} is back with ${text(after)}`,
    default: (at, before, after) => `${yellow('~')} ${at} goes from ${text(before)} to ${text(after)} by default`,
    kept: (at, before, after) => `${dim('·')} ${at} keeps ${text(after)}; only its default moves from ${text(before)}`,
  };
  return [
    `${found.service}  ${bold(name(from))} → ${bold(name(to))}`,
    ...packages.map((each) => `fetches ${each.name} ${each.version}`),
    ...properties.map(({ config, property, change, before, after }) =>
      line[change](`${config}/${property}`, before, after),
    ),
    ...newComponents.map((component) => `${component} is new: add it where it is wanted`),
  ];
}

/** "in turns: member h1, then h2, then h3" */
function turns({ turns: found }: PlanView, { yellow }: Colours): string[] {
  if (!found) return [];
  const byComponent = Map.groupBy(found.batches, ({ component }) => component);
  const lines = [...byComponent].map(([component, batches]) => {
    const shown = batches.map(({ hosts, pauses }) => `${hosts.join(' + ')}${pauses ? yellow(' (waits for you)') : ''}`);
    return `in turns: ${component} ${shown.join(', then ')}`;
  });
  const { tolerate } = found;
  return tolerate > 0 ? [...lines, `goes on while no more than ${tolerate} of a component failed`] : lines;
}

type Place = { readonly component: string; readonly host: string };
type PlacedLine = { readonly name: string; readonly where: string; readonly key: string };

function placed(
  all: readonly (Place & { readonly service: string; readonly ordinal: number })[],
  line: (placed: PlacedLine) => string,
): string[] {
  const groups = Map.groupBy(all, ({ service, component }) => `${service}/${component}`);
  const width = Math.max(0, ...all.map(({ component }) => component.length));
  return [...groups].map(([key, members]) => {
    const where = members.map(({ host, ordinal }) => `${host} (#${ordinal})`).join(', ');
    return line({ key, where, name: padEnd(members[0]!.component, width) });
  });
}

/** Packages of the operating system; hosts that need the same are named together. */
function osPackages({ osPackages: all }: PlanView, { dim }: Colours): string[] {
  const same = Map.groupBy(all, ({ packages, installs }) => `${installs} ${packages.join(', ')}`);
  return [...same.values()].map((some) => {
    const [{ packages, installs } = { packages: [], installs: false }] = some;
    const hosts = [...new Set(some.map(({ host }) => host))].join(', ');
    const how = installs
      ? `installs ${packages.join(', ')} of the operating system on ${hosts}, where missing`
      : `needs ${packages.join(', ')} of the operating system on ${hosts}; its agent cannot install them`;
    return dim(how);
  });
}

/** "zookeeper by its profile small: zookeeper-env/heap=48" */
function profiles({ profiles: all }: PlanView, { bold, dim }: Colours): string[] {
  return all.map(({ service, profile, help, values }) => {
    const set = Object.entries(values).flatMap(([config, properties]) =>
      Object.entries(properties).map(([name, value]) => `${config}/${name}=${shortText(value)}`),
    );
    const what = set.length === 0 ? '' : `: ${set.join(', ')}`;
    return `${service} by its profile ${bold(profile)}${what} ${dim(`(${help})`)}`;
  });
}

function shortText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Which JDK will be used where; hosts with the same one for the same reason are named together. */
function java({ java: all }: PlanView, { dim }: Colours): string[] {
  const same = Map.groupBy(all, ({ host, home, version, packaged, reason }) =>
    JSON.stringify([packaged, version, general(home, host), general(reason.replace(host, '<host>'), host)]),
  );
  return [...same.values()].map((some) => {
    const [first] = some;
    if (!first) return '';
    const { host, home, version, packaged, reason } = first;
    const hosts = [...new Set(some.map((each) => each.host))];
    const where = special(general(home, host), hosts);
    const why = packaged ? ` (${hosts.length === 1 ? reason : reason.replace(host, 'each')})` : '';
    return dim(`${packaged ? 'brings' : 'uses'} Java ${version} in ${where} on ${hosts.join(', ')}${why}`);
  });
}

/** What becomes of data directories; those of local hosts differ by the host's name, and are told once. */
function removedData({ removed }: PlanView, { dim, red }: Colours): string[] {
  const same = new Map<string, { data: string; path: string; hosts: string[] }>();
  for (const { host, data, directories } of removed) {
    for (const path of directories.map((directory) => general(directory, host))) {
      const known = same.get(`${data} ${path}`);
      if (known) known.hosts.push(host);
      else same.set(`${data} ${path}`, { data, path, hosts: [host] });
    }
  }
  return [...same.values()].map(({ data, path, hosts }) => {
    const where = `${special(path, hosts)} on ${hosts.join(', ')}`;
    return data === 'delete' ? red(`deletes ${where}`) : dim(`keeps ${where}`);
  });
}

/** A text about one host as it is about any. */
function general(text: string, host: string): string {
  return text.replaceAll(`/${host}/`, '/<host>/');
}

/** Where it is about a single host after all, its name is back. */
function special(text: string, hosts: readonly string[]): string {
  return hosts.length === 1 ? text.replaceAll('<host>', hosts[0] ?? '') : text;
}

/** Items with the same reason in one line: "zookeeper_server on host1, host2". */
function grouped<Item extends Place>(items: readonly Item[], keyOf: (item: Item) => string): [string, string][] {
  const groups = new Map<string, Map<string, string[]>>();
  for (const item of items) {
    const byComponent = groups.get(keyOf(item)) ?? new Map<string, string[]>();
    byComponent.set(item.component, [...(byComponent.get(item.component) ?? []), item.host]);
    groups.set(keyOf(item), byComponent);
  }
  return [...groups].map(([key, components]) => [
    key,
    [...components].map(([name, hosts]) => `${name} on ${hosts.join(', ')}`).join('; '),
  ]);
}

/**
 * Files with the same change on several hosts are shown once. On local hosts the paths differ by the host's name: it is
 * shown as <host> then.
 */
function files({ files: all }: PlanView, colours: Colours, full: boolean): string[] {
  const same = new Map<string, { path: string; change: string; diff: string; hosts: string[] }>();
  for (const { path, change, diff, host } of all) {
    const body = general(withoutHeader(diff), host);
    // New files differ in what belongs to one host, such as its number; they are shown in full only when asked for.
    const key = `${change} ${general(path, host)}\n${change === 'create' && !full ? '' : body}`;
    const known = same.get(key);
    if (known) known.hosts.push(host);
    else same.set(key, { path: general(path, host), change, diff: body, hosts: [host] });
  }
  return [...same.values()].flatMap(({ path, change, diff, hosts }) => {
    const isNew = change === 'create';
    const lines = diff.split('\n').filter((line) => line !== '');
    const size = isNew ? colours.dim(` (${lines.filter((line) => line.startsWith('+')).length} lines)`) : '';
    const where = special(path, hosts);
    const head = `${isNew ? colours.green('creates') : colours.yellow('changes')} ${where} on ${hosts.join(', ')}${size}`;
    return isNew && !full ? [head] : [head, ...lines.map((line) => `    ${diffLine(line, colours)}`)];
  });
}

function withoutHeader(diff: string): string {
  const at = diff.indexOf('@@');
  return at === -1 ? '' : diff.slice(at);
}

export function diffLine(line: string, { green, red, cyan }: Colours): string {
  if (line.startsWith('+')) return green(line);
  if (line.startsWith('-')) return red(line);
  return line.startsWith('@@') ? cyan(line) : line;
}

/** "16 tasks on 3 hosts: install ×4, configure ×4, start ×3, check ×3" */
function taskSummary({ tasks, hosts }: PlanView): string {
  if (tasks.length === 0) return 'No task: nothing is to be done on any host.';
  const phases = new Map<string, number>();
  for (const { phase } of tasks) phases.set(phase, (phases.get(phase) ?? 0) + 1);
  const list = [...phases].map(([phase, count]) => `${phase} ×${count}`).join(', ');
  return `${tasks.length} task${tasks.length === 1 ? '' : 's'} on ${hosts.length} host${hosts.length === 1 ? '' : 's'}: ${list}`;
}

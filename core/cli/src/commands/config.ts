import { type Api, allOf, answerOf, taggedAnswerOf } from '../api/client.ts';
import type { CommandRequest, Config, ConfigVersion, Property, Values } from '../api/types.ts';
import { findProperty, parseAssignments, secretProperty } from '../config/assignments.ts';
import { changed, lines, requireSameVersion, shown } from '../config/values.ts';
import { JobEndedError, UsageError } from '../errors.ts';
import { diffLine, isEmptyPlan, planText } from '../output/plan.ts';
import { printList, printOne, type View } from '../output/print.ts';
import { clip, type Terminal } from '../output/terminal.ts';
import { table } from '../output/table.ts';
import { ago } from '../output/time.ts';
import { secretTextIn } from './secrets.ts';
import { agreed, executePlan, makePlan, planAndRun } from './execute.ts';
import {
  type ClusterOptions,
  collect,
  connect,
  type Noun,
  type OutputOptions,
  type RunOptions,
  withCluster,
  withOutput,
  withRun,
} from './parts.ts';

interface SetOptions extends RunOptions {
  readonly unset?: string[];
  readonly host?: string[];
  readonly secretFile?: string;
  readonly apply: boolean;
}

const KEYS = 'property=value, such as tickTime=3000, or config/property=value where several configs have it';

export const configs: Noun = (noun, terminal) => {
  withCluster(withOutput(noun.command('get')))
    .summary('show the properties of a service, what is set and what is default')
    .argument('<service>', 'such as zookeeper')
    .argument('[properties...]', 'only these')
    .option('--set-only', 'only what differs from its default')
    .action(
      async (service: string, names: string[], options: OutputOptions & ClusterOptions & { setOnly?: boolean }) => {
        const { api, cluster } = await connect(terminal, options);
        const config = await readConfig(api, await cluster(options.cluster), service);
        const wanted =
          names.length > 0 ? new Set(names.map((name) => findProperty(name, config.properties))) : undefined;
        const properties = config.properties.filter(
          (each) => (!wanted || wanted.has(each)) && (!options.setOnly || 'set' in each),
        );
        if (options.output === 'table') terminal.out(propertiesText(config, properties, terminal));
        else
          await printOne(
            terminal,
            { ...config, properties },
            { human: () => '', name: () => properties.map(({ config: file, name }) => `${file}/${name}`).join('\n') },
            options.output,
          );
      },
    );

  withRun(noun.command('set'))
    .summary('set properties: shows what changes and restarts, then applies it')
    .argument('<service>', 'such as zookeeper')
    .argument('[assignments...]', KEYS)
    .option('--unset <property>', 'back to its default; may be repeated', collect)
    .option('--host <name>', 'only for this host, instead of the whole service; may be repeated', collect)
    .option('--secret-file <file>', 'the text of the one secret that is named, from a file or - for standard input')
    .option('--no-apply', 'save a new version and apply nothing')
    .action(async (service: string, assignments: string[], options: SetOptions) => {
      if (assignments.length === 0 && !options.unset) throw new UsageError(`Say what to set: ${KEYS}.`);
      const { api, cluster } = await connect(terminal, options);
      await setValues(api, terminal, { cluster: await cluster(options.cluster), service, assignments, options });
    });

  withRun(noun.command('apply'))
    .summary('bring the newest config to the hosts that run an older one')
    .argument('<service>', 'such as zookeeper')
    .option('--host <name>', 'only on this host; may be repeated', collect)
    .action(async (service: string, options: RunOptions & { host?: string[] }) => {
      const { api, cluster } = await connect(terminal, options);
      const target = { service, ...(options.host ? { hosts: options.host } : {}) };
      await planAndRun(api, terminal, {
        cluster: await cluster(options.cluster),
        request: { command: 'configure', target },
        options,
      });
    });

  withCluster(withOutput(noun.command('versions')))
    .summary('list the saved versions of a config, newest first')
    .argument('<service>', 'such as zookeeper')
    .action(async (service: string, options: OutputOptions & ClusterOptions) => {
      const { api, cluster } = await connect(terminal, options);
      const path = { cluster: await cluster(options.cluster), service };
      const found = await allOf((query) =>
        api.GET('/api/v1/clusters/{cluster}/services/{service}/config/versions', { params: { path, query } }),
      );
      await printList(terminal, found, versionView(), options.output);
    });

  withCluster(withOutput(noun.command('diff')))
    .summary('what "apply" would change, or what differs between versions; exits 1 when something does')
    .argument('<service>', 'such as zookeeper')
    .argument('[from]', 'a version')
    .argument('[to]', 'another version; the newest unless given')
    .action(
      async (
        service: string,
        from: string | undefined,
        to: string | undefined,
        options: OutputOptions & ClusterOptions,
      ) => {
        const { api, cluster: choose } = await connect(terminal, options);
        const cluster = await choose(options.cluster);
        const differs =
          from === undefined
            ? await diffToHosts(api, terminal, cluster, service)
            : await diffVersions(api, terminal, { cluster, service, from, to });
        if (differs) throw new JobEndedError('', 1);
      },
    );
};

async function readConfig(api: Api, cluster: string, service: string): Promise<Config> {
  return answerOf(
    api.GET('/api/v1/clusters/{cluster}/services/{service}/config', { params: { path: { cluster, service } } }),
  );
}

async function setValues(
  api: Api,
  terminal: Terminal,
  {
    cluster,
    service,
    assignments,
    options,
  }: { cluster: string; service: string; assignments: readonly string[]; options: SetOptions },
): Promise<void> {
  const path = { cluster, service };
  const { data: config, etag } = await taggedAnswerOf(
    api.GET('/api/v1/clusters/{cluster}/services/{service}/config', { params: { path } }),
  );
  const set =
    options.secretFile === undefined
      ? parseAssignments(assignments, config.properties)
      : await secretValue(options.secretFile, assignments, config.properties);
  const unset = (options.unset ?? []).map((key) => findProperty(key, config.properties));
  const edit = (values: Values | undefined): Values => changed(values ?? {}, { set, unset });
  const values = options.host ? config.values : edit(config.values);
  const overrides = options.host
    ? Object.fromEntries(
        [...new Set([...Object.keys(config.overrides), ...options.host])].map((host) => [
          host,
          options.host?.includes(host) ? edit(config.overrides[host]) : (config.overrides[host] ?? {}),
        ]),
      )
    : config.overrides;
  if (!options.apply) {
    await agreed(terminal, options, `Save a new config of ${service}?`);
    const body = { values, overrides, ...(options.note === undefined ? {} : { note: options.note }) };
    const saved = await answerOf(
      api.PUT('/api/v1/clusters/{cluster}/services/{service}/config', {
        params: { path },
        headers: { 'if-match': etag },
        body,
      }),
    );
    terminal.err(`Saved as version ${saved.version}; nothing was applied. "stackyard config apply ${service}" does.\n`);
    return;
  }
  const request: CommandRequest = { command: 'configure', target: { service }, config: values, overrides };
  const plan = await makePlan(api, cluster, request);
  requireSameVersion(service, config.version, (await readConfig(api, cluster, service)).version);
  terminal.err(`${planText(plan.plan, { colours: terminal.colours, full: options.full })}\n`);
  const same = lines(values, overrides) === lines(config.values, config.overrides);
  if (same && isEmptyPlan(plan.plan)) return terminal.err('Nothing to do: it is set and applied like this already.\n');
  if (isEmptyPlan(plan.plan)) terminal.err('No file of a running component changes; a new version is saved.\n');
  await executePlan(api, terminal, plan, options);
}

async function secretValue(file: string, names: readonly string[], properties: readonly Property[]): Promise<Values> {
  const { config, name } = secretProperty(names, properties);
  const secret = await secretTextIn(file);
  return { [config]: { [name]: secret } };
}

async function diffToHosts(api: Api, terminal: Terminal, cluster: string, service: string): Promise<boolean> {
  const { plan } = await makePlan(api, cluster, { command: 'configure', target: { service } });
  // A value that stands in no file, such as a heap, is applied by a restart.
  const differs = plan.files.length + plan.restarts.length > 0;
  if (differs) terminal.out(planText(plan, { colours: terminal.colours }));
  else terminal.err(`Every host runs the newest config of ${service}.\n`);
  return differs;
}

async function diffVersions(
  api: Api,
  terminal: Terminal,
  { cluster, service, from, to }: { cluster: string; service: string; from: string; to: string | undefined },
): Promise<boolean> {
  const read = async (version: string): Promise<ConfigVersion> =>
    answerOf(
      api.GET('/api/v1/clusters/{cluster}/services/{service}/config/versions/{version}', {
        params: { path: { cluster, service, version: version.replace(/^v/, '') as never } },
      }),
    );
  const [before, after] = await Promise.all([
    read(from),
    to === undefined ? readConfig(api, cluster, service) : read(to),
  ]);
  const [old, now] = [before, after].map(({ values, overrides }) => lines(values, overrides)) as [string, string];
  if (old === now) {
    terminal.err(`Versions ${before.version} and ${after.version} set the same.\n`);
    return false;
  }
  const { createTwoFilesPatch } = await import('diff');
  const patch = createTwoFilesPatch(`version ${before.version}`, `version ${after.version}`, old, now, '', '', {
    context: 0,
  });
  const shownLines = patch
    .split('\n')
    .filter((line) => !line.startsWith('===') && !line.startsWith('@@') && line !== '');
  terminal.out(shownLines.map((line) => `${diffLine(line, terminal.colours)}\n`).join(''));
  return true;
}

function propertiesText(config: Config, properties: readonly Property[], terminal: Terminal): string {
  const { bold, dim, cyan } = terminal.colours;
  const value = (each: Property): string =>
    each.inUse === false
      ? dim('not in use')
      : 'set' in each
        ? cyan(each.type === 'secret' ? '(set)' : shown(each.set))
        : 'default' in each
          ? shown(each.default)
          : dim('computed');
  const helpWidth = Math.max(20, terminal.columns - 60);
  const rows = table(
    properties,
    [
      { title: 'PROPERTY', cell: (each) => `${each.config}/${each.name}` },
      {
        title: 'VALUE',
        cell: (each) => `${value(each)}${each.unit && 'set' in each && each.inUse !== false ? ` ${each.unit}` : ''}`,
      },
      { title: 'FROM', cell: (each) => ('set' in each ? cyan('set') : dim('default')) },
      { title: 'CHANGE', cell: (each) => each.effect },
      { title: 'HELP', cell: (each) => dim(clip(each.help, helpWidth)) },
    ],
    bold,
  );
  const own = lines({}, config.overrides);
  return `${rows}${own === '' ? '' : `\n${bold('For single hosts')}\n${own}`}`;
}

function versionView(now = new Date()): View<ConfigVersion> {
  return {
    columns: () => [
      { title: 'VERSION', cell: ({ version }) => String(version) },
      { title: 'SAVED', cell: ({ createdAt }) => ago(createdAt, now) },
      { title: 'BY', cell: ({ createdBy }) => createdBy },
      {
        title: 'SETS',
        cell: ({ values, overrides }) => clip(lines(values, overrides).trim().replaceAll('\n', ', ') || 'nothing', 60),
      },
      { title: 'NOTE', cell: ({ note }) => note ?? '' },
    ],
    name: ({ version }) => String(version),
    none: 'There is no version yet.',
  };
}

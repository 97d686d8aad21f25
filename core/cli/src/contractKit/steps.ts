import { componentsBelow } from '../demo/leftBehind.ts';
import type { HostComponent } from '../api/types.ts';
import { CliError } from '../errors.ts';
import { changeOf, merged } from './change.ts';
import type { Kit, Step } from './kit.ts';
import { filesLeft } from './leftovers.ts';
import { addService } from './place.ts';
import { until } from './until.ts';

const RECOVERED_MS = 120_000;
const ANSWERED_MS = 60_000;

/** The contract: what every stack keeps with the real product, in this order. */
export const STEPS: readonly Step[] = [
  { name: 'install', promise: 'its services are installed, configured and started by one command', run: install },
  { name: 'links', promise: 'its quick links and metrics answer', skip: nothingToAsk, run: askLinks },
  { name: 'check', promise: 'its own check passes', run: check },
  { name: 'recover', promise: 'a process that is killed is back by itself', skip: noProcess, run: recover },
  {
    name: 'reconfigure',
    promise: 'a changed value reaches the hosts, and can be taken back',
    skip: noChange,
    run: reconfigure,
  },
  { name: 'restart', promise: 'a restart ends healthy', skip: noProcess, run: restart },
  { name: 'upgrade', promise: 'it goes to another version, and back', run: upgrade },
  { name: 'stop', promise: 'it stops to the last process, and starts again', skip: noProcess, run: stopAndStart },
  { name: 'remove', promise: 'it is removed without a trace', run: remove },
];

async function install({ cluster, site, services, settings, older }: Kit): Promise<string> {
  await cluster.create(site.hosts.map(({ name }) => name));
  if (settings.requires.length > 0) {
    await cluster.run({ command: 'add', services: settings.requires.map((each) => addService(each, settings)) });
    for (const service of settings.requires) await cluster.untilHealthy(service);
  }
  const version = older ? { version: older.version } : {};
  const { added } = await cluster.run({
    command: 'add',
    services: services.map((each) => ({ ...addService(each, settings), ...version })),
  });
  for (const service of services) await cluster.untilHealthy(service);
  return added.map(({ component, host }) => `${component} on ${host}`).join(', ');
}

async function askLinks(kit: Kit): Promise<string> {
  const urls = (await all(kit)).flatMap(({ links }) => Object.values(links));
  const answered = await Promise.all([...new Set(urls)].map((url) => until(ANSWERED_MS, () => ask(url))));
  return answered.join(', ');
}

/** A console that asks for a password or sends elsewhere answers too. */
async function ask(url: string): Promise<string> {
  const { status } = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(10_000) }).catch(
    (error: Error) => {
      throw new CliError(`${url} does not answer: ${(error.cause as Error | undefined)?.message ?? error.message}`);
    },
  );
  if (status >= 500 || status === 404) throw new CliError(`${url} answers ${status}`);
  return `${url} answers ${status}`;
}

async function check({ cluster, services }: Kit): Promise<string> {
  for (const service of services) await cluster.run({ command: 'check', target: { service } });
  return `the check of ${services.join(', ')}`;
}

async function recover({ cluster, services }: Kit): Promise<string> {
  const killed: string[] = [];
  for (const service of services) {
    const before = await cluster.untilHealthy(service);
    for (const one of lastOfEach(before)) {
      if (one.pid === null) throw new CliError(`the process of ${one.component} on ${one.host} is not known`);
      process.kill(one.pid, 'SIGKILL');
      await until(RECOVERED_MS, () => backAgain(cluster, one));
      killed.push(`${one.component} on ${one.host}`);
    }
    await cluster.untilHealthy(service);
    await cluster.run({ command: 'check', target: { service } });
  }
  return killed.join(', ');
}

async function backAgain(cluster: Kit['cluster'], before: HostComponent): Promise<void> {
  const now = (await cluster.components(before.service)).find(({ id }) => id === before.id);
  const isBack = now && now.observed === 'RUNNING' && now.pid !== before.pid && now.restarts > before.restarts;
  if (!isBack) throw new CliError(`${before.component} on ${before.host} is ${now?.observed}: ${now?.message}`);
}

async function reconfigure(kit: Kit): Promise<string> {
  const { cluster } = kit;
  const seen: string[] = [];
  for (const { service, change } of await changes(kit)) {
    const before = await cluster.values(service);
    const configured = (config: typeof before) => cluster.run({ command: 'configure', target: { service }, config });
    const { files, restarts } = await configured(merged(before, change));
    if (files.length === 0) throw new CliError(`${JSON.stringify(change)} changes no file of ${service}`);
    await settled(kit, service);
    await configured(before);
    await settled(kit, service);
    seen.push(`${JSON.stringify(change)}: files changed: ${files.length}, restarts: ${restarts.length}, and back`);
  }
  return seen.join('; ');
}

async function settled({ cluster }: Kit, service: string): Promise<void> {
  await cluster.untilHealthy(service);
  const stale = (await cluster.components(service)).filter((each) => each.stale !== null);
  if (stale.length === 0) return;
  throw new CliError(
    `${stale.map(({ component, host }) => `${component} on ${host}`).join(', ')} is stale after configure`,
  );
}

async function changes({ manifest, settings, cluster }: Kit) {
  const found = manifest.services.map(async (service) => ({
    service: service.name,
    change: settings.change[service.name] ?? changeOf(service, await cluster.values(service.name)),
  }));
  return (await Promise.all(found)).flatMap(({ service, change }) => (change ? [{ service, change }] : []));
}

async function restart({ cluster, services }: Kit): Promise<string> {
  for (const service of services) {
    await cluster.run({ command: 'restart', target: { service } });
    await cluster.untilHealthy(service);
  }
  return services.join(', ');
}

/** From the older version where there is one; else to another build of the same product and back. */
async function upgrade(kit: Kit): Promise<string> {
  const { manifest, older } = kit;
  const own = manifest.version;
  const [from, to] = older ? [older.version, own] : [own, await kit.rebuild()];
  const wayBack = !older || manifest.services.every((service) => service.upgrade?.backTo !== undefined);
  const way = [to, ...(wayBack ? [from] : []), ...(wayBack && older ? [to] : [])];
  for (const version of way) await goTo(kit, version);
  return [from, ...way].join(', then ');
}

async function goTo({ cluster, services }: Kit, version: string): Promise<void> {
  for (const service of services) {
    await cluster.run({ command: 'upgrade', service, version });
    await cluster.untilHealthy(service);
    await cluster.run({ command: 'check', target: { service } });
  }
}

async function stopAndStart({ cluster, services, site }: Kit): Promise<string> {
  const processes = componentsBelow(site.layout.dir).length;
  for (const service of services.toReversed()) {
    await cluster.run({ command: 'stop', target: { service } });
    await until(ANSWERED_MS, async () => {
      const up = (await cluster.processes(service)).filter(({ observed }) => observed !== 'STOPPED');
      if (up.length > 0)
        throw new CliError(`${up.map(({ component, host }) => `${component} on ${host}`).join(', ')} still runs`);
    });
  }
  for (const service of services) {
    await cluster.run({ command: 'start', target: { service } });
    await cluster.untilHealthy(service);
  }
  return `${processes} processes ended and were started again`;
}

async function remove({ cluster, services, site }: Kit): Promise<string> {
  for (const service of services.toReversed()) {
    await cluster.run({ command: 'remove', target: { service }, data: 'delete' });
  }
  const required = await cluster.api.GET('/api/v1/clusters/{cluster}/services', {
    params: { path: { cluster: cluster.name }, query: {} },
  });
  // What other services need is theirs.
  if (required.data && required.data.items.length > 0) return 'its services are gone; what they required stays';
  const left = componentsBelow(site.layout.dir);
  if (left.length > 0) throw new CliError(`processes ${left.join(', ')} are left`);
  const files = await Promise.all(
    site.hosts.map(async ({ name }) => (await filesLeft(site.rootOf(name))).map((file) => `${name}: ${file}`)),
  );
  if (files.flat().length > 0) throw new CliError(`files are left: ${files.flat().slice(0, 10).join(', ')}`);
  return 'no process and no file is left on any host';
}

/** Of each component the host component with the highest ordinal. */
function lastOfEach(components: readonly HostComponent[]): HostComponent[] {
  return [
    ...new Map(components.toSorted((a, b) => a.ordinal - b.ordinal).map((each) => [each.component, each])).values(),
  ];
}

async function all({ cluster, services }: Kit): Promise<HostComponent[]> {
  return (await Promise.all(services.map((service) => cluster.components(service)))).flat();
}

function noProcess({ manifest }: Kit): string | undefined {
  const has = manifest.services.some(({ components }) => components.some((component) => component.process));
  return has ? undefined : 'no component has a process';
}

function nothingToAsk({ manifest }: Kit): string | undefined {
  const has = manifest.services.some(({ components }) => components.some(({ links }) => Object.keys(links).length > 0));
  return has ? undefined : 'no component has a quick link';
}

function noChange({ manifest, settings }: Kit): string | undefined {
  const has = manifest.services.some((service) => settings.change[service.name] ?? changeOf(service, {}));
  return has ? undefined : 'no property can be changed without knowing what it means; name one in contract.json';
}

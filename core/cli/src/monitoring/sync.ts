import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { type Connection, headersOf, reach, refusal } from '../api/client.ts';
import { CliError } from '../errors.ts';
import { type Changes, keepFiles } from './ownFiles.ts';
import type { Promtool } from './promtool.ts';

export interface SyncOptions {
  /** Only this one, by name; files of others stay. */
  readonly cluster?: string | undefined;
}

export interface RuleOptions extends SyncOptions {
  /** Looks at rules before Prometheus does. */
  readonly promtool: Promtool;
}

const Groups = z.object({
  groups: z.array(z.object({ name: z.string(), rules: z.array(z.looseObject({ alert: z.string() })) })),
});
const Entries = z.object({
  items: z.array(z.object({ cluster: z.string(), service: z.string(), name: z.string(), uid: z.string() })),
});

/**
 * Takes rules from the server into a folder: one file for each service of each cluster, so that what is wrong with one
 * leaves the others as they are.
 *
 * @throws CliError
 */
export async function syncRules(
  connection: Connection,
  dir: string,
  { cluster, promtool }: RuleOptions,
): Promise<Changes> {
  const text = await read(connection, `/prometheus/rules${query(cluster)}`);
  const unserved = text
    .split('\n')
    .filter((line) => line.startsWith('# Left out: '))
    .map((line) => ({ file: 'the server', why: line.slice('# Left out: '.length) }));
  const { groups } = Groups.parse(parse(text));
  const head = '# Written by "stackyard monitoring sync"; changes are overwritten.\n';
  const wanted = new Map<string, string>();
  const refused = [...unserved];
  for (const each of groups) {
    const checked = await promtool.check(each);
    refused.push(...checked.refused);
    const { name, rules } = checked.group;
    if (rules.length === 0) continue;
    const file = `stackyard.${name.replaceAll('/', '.')}.yml`;
    wanted.set(file, head + stringify({ groups: [checked.group] }, { lineWidth: 0 }));
  }
  return { ...(await keepFiles(dir, wanted, keptWith(cluster))), refused };
}

/** Files of other clusters stay when only one is looked at. */
function keptWith(cluster: string | undefined): (name: string) => boolean {
  return (name) => cluster !== undefined && !name.startsWith(`stackyard.${cluster}.`);
}

/** Takes dashboards from the server into a folder, each in a file of its own. @throws CliError */
export async function syncDashboards(connection: Connection, dir: string, { cluster }: SyncOptions): Promise<Changes> {
  const { items } = Entries.parse(JSON.parse(await read(connection, `/grafana/dashboards${query(cluster)}`)));
  const wanted = new Map<string, string>();
  const refused: { file: string; why: string }[] = [];
  for (const { cluster: of, service, name, uid } of items) {
    const path = [of, service, name].map(encodeURIComponent).join('/');
    const file = `stackyard.${of}.${service}.${uid}.json`;
    try {
      wanted.set(file, await read(connection, `/grafana/dashboards/${path}`));
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      refused.push({ file, why: error.message });
    }
  }
  const unread = new Set(refused.map(({ file }) => file));
  const kept = keptWith(cluster);
  return { ...(await keepFiles(dir, wanted, (name) => unread.has(name) || kept(name))), refused };
}

const query = (cluster: string | undefined) => (cluster === undefined ? '' : `?cluster=${encodeURIComponent(cluster)}`);

async function read(connection: Connection, path: string): Promise<string> {
  const response = await reach(connection, () =>
    fetch(`${connection.url}/api/v1${path}`, { headers: headersOf(connection), signal: AbortSignal.timeout(30_000) }),
  );
  const text = await response.text();
  if (response.ok) return text;
  throw refusal(/json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : undefined, response);
}

/** Lies in a folder of rules from their change to the reload, so that one that failed is tried again by the next run. */
const mark = (rulesDir: string) => join(rulesDir, '.stackyard.reload');

/** Asks Prometheus to read its rules again, if they changed since it last did. @returns whether it did @throws CliError */
export async function reloadRules(rulesDir: string, url: string, { changed }: { changed: boolean }): Promise<boolean> {
  if (changed) await writeFile(mark(rulesDir), '');
  else if (!existsSync(mark(rulesDir))) return false;
  await reload(url);
  await rm(mark(rulesDir), { force: true });
  return true;
}

async function reload(url: string): Promise<void> {
  const response = await fetch(url, { method: 'POST', redirect: 'error', signal: AbortSignal.timeout(30_000) }).catch(
    (error: unknown) => {
      throw new CliError(`${url} cannot be reached to reload: ${(error as Error).message}.`, 1, { cause: error });
    },
  );
  if (!response.ok)
    throw new CliError(
      `${url} answered ${response.status} to the reload: ${(await response.text()).trim().slice(0, 500)}`,
    );
}

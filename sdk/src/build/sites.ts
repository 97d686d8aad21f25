import { existsSync, readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CallSite, SiteLog } from '../define/callSite.ts';
import { CONFIG } from '../define/config.ts';
import type { SourcePlace, StackProblem } from '../define/errors.ts';
import type { Stack } from '../define/service.ts';
import type { StackManifest } from '../manifest/manifest.ts';
import { expressionsOf } from '../manifest/walk.ts';

/** Where things of a definition stand, by the names that problems give them. */
export type SourcePlaces = Readonly<Record<string, SourcePlace>>;

/** The places of all that a stack is made of, in files relative to its package. */
export function placesOf({ stack }: Stack, draft: StackManifest, { sites }: SiteLog, folder: string): SourcePlaces {
  const places = new Map<string, SourcePlace>();
  const at = (where: string, made: object | undefined, key?: string): void => {
    const site = made && sites.get(made);
    if (site && !places.has(where)) places.set(where, sourcePlace(site, folder, key));
  };
  at('the stack', { stack });
  for (const service of stack.services) {
    const { name, options } = service;
    at(name, service);
    for (const product of options.packages ?? []) at(`${name} package ${product.name}`, product);
    for (const [key, rule] of Object.entries(options.alerts ?? {})) at(`${name} alert ${key}`, rule, key);
    for (const [key, board] of Object.entries(options.dashboards ?? {})) {
      at(`${name} dashboard ${key}`, board, key);
      for (const panel of board.panels) at(`${name} dashboard ${key} panel ${panel.title}`, panel);
    }
    for (const component of options.components) {
      const own = `${name}/${component.name}`;
      const { process, health = {}, role, metrics, links = {}, actions = {}, config = [] } = component.options;
      at(own, component);
      at(`${own} process`, process);
      at(`${own} role`, role);
      at(`${own} metrics`, metrics);
      for (const [key, probe] of Object.entries(health)) at(`${own} health.${key}`, probe, key);
      for (const [key, link] of Object.entries(links)) at(`${own} link ${key}`, link, key);
      for (const [key, { manifest }] of Object.entries(actions)) {
        at(`${own} action ${key}`, manifest, key);
        for (const input of manifest.input) at(`${own} action ${key} ${input.name}`, input, input.name);
      }
      for (const each of [...config, ...(options.config ?? [])]) {
        const manifest = each[CONFIG];
        at(`${name} ${manifest.name}`, manifest);
        for (const property of manifest.properties)
          at(`${name} ${manifest.name} ${property.name}`, property, property.name);
      }
    }
  }
  for (const service of draft.services) {
    for (const { where, expression } of expressionsOf(service)) at(where, expression);
  }
  return Object.fromEntries(places);
}

/** The problem with the place of what it is about, or of what that belongs to. */
export function placed(problem: StackProblem, places: SourcePlaces): StackProblem {
  if (problem.at) return problem;
  for (let where = problem.where; where !== ''; where = outer(where)) {
    if (Object.hasOwn(places, where)) return { ...problem, at: places[where]! };
  }
  return problem;
}

function outer(where: string): string {
  return where.replace(/(?:\.[^. /[\]]*|\[[^\]]*\]|[ /][^ /]*|^[^ /]*)$/, '');
}

/** Configs and components of the stack's own files that it defines and does not use. */
export function unusedDefinitions({ stack }: Stack, { defined, sites }: SiteLog, folder: string): StackProblem[] {
  const components = stack.services.flatMap(({ options }) => options.components);
  const configs = [
    ...components.flatMap(({ options }) => options.config ?? []),
    ...stack.services.flatMap(({ options }) => options.config ?? []),
  ];
  const used = new Set<object>([...components, ...configs.map((config) => config[CONFIG])]);
  return defined.flatMap(({ kind, name, value }): StackProblem[] => {
    const site = sites.get(value);
    const at = site && sourcePlace(site, folder);
    if (used.has(value) || !at || isForeign(at.file)) return [];
    const reason = `no ${kind === 'config' ? 'component and no service' : 'service'} has it`;
    const remedy = kind === 'config' ? 'list it in `config`, or remove it' : 'list it in `components`, or remove it';
    return [{ where: `${kind} ${name}`, reason, remedy, severity: 'warning', at }];
  });
}

function isForeign(file: string): boolean {
  return file.startsWith('..') || file.split('/').includes('node_modules');
}

const sources = new Map<string, readonly string[]>();
/** Lines above a call in which the key of what it describes is looked for. */
const ABOVE = 6;

/** In the package's own terms. Of something that has a key, the key's place: that is where an author looks. */
function sourcePlace({ file, line, column }: CallSite, folder: string, key?: string): SourcePlace {
  const path = file.startsWith('file:') ? fileURLToPath(file) : file;
  const shown = relative(folder, path).split(sep).join('/');
  if (key === undefined) return { file: shown, line, column };
  const lines = linesOf(path);
  const pattern = new RegExp(`(?:^|[\\s{,(])(["']?)${key.replaceAll(/[^\w]/g, '\\$&')}\\1\\s*:`, 'g');
  for (let row = line; row > Math.max(0, line - ABOVE); row--) {
    const text = (lines[row - 1] ?? '').slice(0, row === line ? column - 1 : undefined);
    const last = [...text.matchAll(pattern)].at(-1);
    if (last) return { file: shown, line: row, column: last.index + last[0].search(/["'\w]/) + 1 };
  }
  return { file: shown, line, column };
}

function linesOf(path: string): readonly string[] {
  const known = sources.get(path);
  if (known) return known;
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  sources.set(path, lines);
  return lines;
}

/** The place in the stack's own files that an error came from, as its stack tells. */
export function placeOfError({ stack = '' }: Error, folder: string): SourcePlace | undefined {
  for (const [, file = '', line, column] of stack.matchAll(/(file:\/\/\/[^\s):]+|\/[^\s):]+):(\d+)(?::(\d+))?/g)) {
    const path = file.startsWith('file:') ? fileURLToPath(file) : file;
    const shown = relative(folder, path).split(sep).join('/');
    if (!isForeign(shown)) {
      return { file: shown, line: Number(line), ...(column === undefined ? {} : { column: Number(column) }) };
    }
  }
  return undefined;
}

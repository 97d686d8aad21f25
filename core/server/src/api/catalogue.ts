import { catalogueOf } from '@stackyard/kernel';
import * as bundles from '../bundles/errors.ts';
import * as clusters from '../clusters/errors.ts';
import * as commands from '../commands/errors.ts';
import * as database from '../database/errors.ts';
import * as engine from '../engine/errors.ts';
import * as identity from '../identity/errors.ts';
import * as packages from '../packages/errors.ts';
import * as registries from '../registries/errors.ts';
import * as stacks from '../stacks/errors.ts';
import * as trust from '../trust/errors.ts';
import * as api from './errors.ts';
import { statusOf } from './problem.ts';

/** Every problem the API may answer: what its code means, and its status. */
export const catalogue: readonly { readonly code: string; readonly status: number; readonly title: string }[] =
  catalogueOf(api, clusters, commands, stacks, registries, bundles, packages, trust, engine, identity, database)
    .filter(({ code }) => statusOf[code] !== undefined)
    .map(({ code, title }) => ({ code, status: statusOf[code] ?? 500, title }));

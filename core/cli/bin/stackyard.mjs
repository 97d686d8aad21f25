#!/usr/bin/env node
// Plain JavaScript without dependencies: it starts on the Node that the machine has and goes on with the one that the
// rest needs, which npm has put beside us.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as node from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED = 24;
const CONDITION = '@stackyard/source';
/**
 * Of the server, which is idle nearly always: few arenas, and what its start has left behind is given back by `gc`. A young
 * generation that is too small for a job of thousands of tasks would cost it a sixth of its time. Buffers of what comes in
 * count as growth of the heap: where that may grow by a fifth, as V8 finds, all of it is marked for every 7 MB of a log.
 */
const FRUGAL = {
  flags: ['--max-semi-space-size=16', '--heap-growing-percent=100', '--expose-gc'],
  env: { MALLOC_ARENA_MAX: '2' },
};

const here = dirname(fileURLToPath(import.meta.url));
const sources = join(here, '../src/main.ts');
const fromSources = existsSync(sources);
const isServer = process.argv[2] === 'server';
const flags = [...(fromSources ? [`--conditions=${CONDITION}`] : []), ...(isServer ? FRUGAL.flags : [])];
const env = isServer ? { ...FRUGAL.env, ...process.env } : process.env;
const script = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];

if (Number(process.versions.node.split('.')[0]) < NEEDED) await goOnWith(ownNode());
else await main();

async function main() {
  if (!flags.every((flag) => process.execArgv.includes(flag))) {
    // Its worker threads take flags from the command line only. For the others, starting once is quicker.
    if (isServer && process.execve) process.execve(process.execPath, [process.execPath, ...flags, ...script], env);
    node.registerHooks({
      resolve: (specifier, context, next) =>
        next(specifier, { ...context, conditions: [...context.conditions, CONDITION] }),
    });
  }
  node.enableCompileCache();
  await import(pathToFileURL(fromSources ? sources : join(here, '../dist/main.js')).href);
}

/** Runs this again on another Node, with its signals and its exit code. */
async function goOnWith(executable) {
  const child = spawn(executable, [...flags, ...script], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => child.kill(signal));
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...ended) => resolve(ended));
  });
  process.exit(code ?? 128 + constants.signals[signal]);
}

function ownNode() {
  for (let folder = here; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules/.bin/node');
    if (existsSync(found)) return found;
    if (folder === dirname(folder)) break;
  }
  process.stderr.write(
    `stackyard needs Node ${NEEDED} and found ${process.version}. Run "npm ci" in its folder, which brings that Node along, or install Node ${NEEDED}.\n`,
  );
  process.exit(1);
}

import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import type { Architecture } from '@stackyard/contract';
import { createLogger } from '@stackyard/kernel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Bundles } from './bundles.ts';
import { joinRoutes } from './joinRoutes.ts';

let dir: string;
let packed: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'stackyard-bundles-'));
  packed = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const software = (version = '1.0.0-a') => ({
  version: async () => version,
  joinScript: async () => '#!/bin/sh\n',
  async pack(architecture: Architecture, file: string) {
    packed.push(`${version} ${architecture}`);
    if (architecture === 'arm64') throw new Error('nobody has Node for it.');
    await writeFile(file, `the agent ${version}`);
  },
});
const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex');

describe('bundles', () => {
  test('are packed once, however many ask, and found again by the next server', async () => {
    const bundles = new Bundles(dir, software());
    const [one, other] = await Promise.all([bundles.get('x64'), bundles.get('x64')]);
    expect(one).toEqual(other);
    expect(one).toMatchObject({ version: '1.0.0-a', size: 17, sha256: sha256('the agent 1.0.0-a') });
    expect(await new Bundles(dir, software()).get('x64')).toEqual(one);
    expect(packed).toEqual(['1.0.0-a x64']);
  });

  test('of another version replace the earlier ones', async () => {
    await new Bundles(dir, software()).get('x64');
    const { path } = await new Bundles(dir, software('1.0.0-b')).get('x64');
    expect(await readFile(path, 'utf8')).toBe('the agent 1.0.0-b');
    expect((await readdir(dir)).toSorted()).toEqual(['1.0.0-b-x64.tar.gz', '1.0.0-b-x64.tar.gz.sha256']);
  });

  test('that cannot be had say why, and leave nothing', async () => {
    await expect(new Bundles(dir, software()).get('arm64')).rejects.toThrow(
      'There is no agent for arm64: nobody has Node for it.',
    );
    expect(await readdir(dir)).toEqual([]);
    await expect(new Bundles(dir, undefined).get('x64')).rejects.toMatchObject({ code: 'BUNDLE_UNAVAILABLE' });
  });
});

describe('what a host fetches before it has joined', () => {
  async function fetched(url: string, name = ''): Promise<string | undefined> {
    const routes = joinRoutes(new Bundles(dir, software()), createLogger({ level: 'silent' }));
    const answer = await routes.find((route) => route.url === url)?.get({ params: { name } });
    if (!answer) return undefined;
    return typeof answer.body === 'string' ? answer.body : text(answer.body as Readable);
  }

  test('is the script, a bundle and its digest', async () => {
    expect(await fetched('/join.sh')).toBe('#!/bin/sh\n');
    expect(await fetched('/bundles/:name', 'x64')).toBe('the agent 1.0.0-a');
    expect(await fetched('/bundles/:name', 'x64.sha256')).toBe(`${sha256('the agent 1.0.0-a')}\n`);
  });

  test.each(['arm64', 'sparc', '../admin-token', 'x64/../../admin-token', 'x64.sha256.sha256', '__proto__', ''])(
    'is not %s',
    async (name) => {
      expect(await fetched('/bundles/:name', name)).toBeUndefined();
    },
  );
});

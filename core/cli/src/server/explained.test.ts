import { createKernel, definePlugin, type Plugin, provide, token } from '@stackyard/kernel';
import { expect, test } from 'vitest';
import { explained } from './explained.ts';

/** What is told when these do not start, of which those of `configured` stand in the settings. */
async function told(plugins: readonly Plugin[], configured: readonly string[]): Promise<string> {
  const error: unknown = await createKernel()
    .load(...plugins)
    .start()
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  return explained(error, configured).message;
}

const fails = (): never => {
  throw new Error('no licence');
};
const Missing = token<object>('test.Missing');
const sound = definePlugin({ id: 'sound' });

class Fails {
  readonly made = fails();
}
provide(Fails);

test.each([
  [
    'fails in register',
    definePlugin({ id: 'bad', register: fails }),
    'The register of plugin "bad" failed: no licence',
  ],
  ['fails in start', definePlugin({ id: 'bad', start: fails }), 'Plugin "bad" did not start: no licence'],
  [
    'cannot be constructed',
    definePlugin({ id: 'bad', register: (plugin) => plugin.provide(Missing, Fails) }),
    'Plugin "bad" did not start: The constructor of Fails failed: no licence',
  ],
  [
    'needs what nobody has',
    definePlugin({ id: 'bad', needs: [Missing] }),
    'Nobody provides "test.Missing", needed by plugin "bad".',
  ],
])('a configured plugin that %s is named, with how to start without it', async (_, plugin, sentence) => {
  const said = await told([sound, plugin], ['sound', 'bad']);
  expect(said).toContain(sentence);
  expect(said).toMatch(/ The server starts without it by --without-plugin bad\.$/);
});

test('of several that do not fit each is named', async () => {
  const plugins = ['one', 'two'].map((id) => definePlugin({ id, register: fails }));
  expect(await told(plugins, ['one', 'two'])).toMatch(
    / The server starts without them by --without-plugin one --without-plugin two\.$/,
  );
});

test.each([
  ['start', definePlugin({ id: 'server.http', start: fails })],
  ['constructor', definePlugin({ id: 'server.http', register: (plugin) => plugin.provide(Missing, Fails) })],
])('of the own %s of the server only the cause is told: it cannot be left out', async (_, plugin) => {
  expect(await told([sound, plugin], ['sound'])).toBe('no licence');
});

test('what is no error of the kernel is told as it is', () => {
  expect(explained('odd', ['sound']).message).toBe('odd');
  expect(explained(new Error('no space'), []).message).toBe('no space');
});

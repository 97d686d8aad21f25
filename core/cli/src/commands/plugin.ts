import { answerOf } from '../api/client.ts';
import type { components } from '../api/gen/schema.ts';
import { printList, type View } from '../output/print.ts';
import { connect, type Noun, type OutputOptions, withOutput } from './parts.ts';

type Plugin = components['schemas']['Plugin'];

export const plugins: Noun = (noun, terminal) => {
  withOutput(noun.command('list'))
    .summary('list the platform plugins that the server has loaded, and what each adds')
    .action(async (options: OutputOptions) => {
      const { api } = await connect(terminal, options);
      const { items } = await answerOf(api.GET('/api/v1/plugins'));
      await printList(terminal, items, pluginView, options.output);
    });
};

const pluginView: View<Plugin> = {
  columns: () => [
    { title: 'PLUGIN', cell: ({ id }) => id },
    { title: 'PACKAGE', cell: ({ package: name }) => name ?? '' },
    { title: 'VERSION', cell: ({ version }) => version ?? '' },
    { title: 'ADDS', cell: ({ contributes, provides, operations }) => added(contributes, provides, operations) },
  ],
  name: ({ id }) => id,
  none: 'No platform plugin is loaded.',
};

/** `4 operations, ssh.Runs`: points other than routes by name. */
function added(contributes: readonly string[], provides: readonly string[], operations: readonly string[]): string {
  const points = [...new Set(contributes)].filter((point) => point !== 'contract.Routes');
  const routes =
    operations.length === 1 ? ['1 operation'] : operations.length > 1 ? [`${operations.length} operations`] : [];
  return [...routes, ...points, ...provides].join(', ');
}

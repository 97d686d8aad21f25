import { definePlugin, provide, token } from '@stackyard/kernel';
import { Renderer } from '../commands/renderer.ts';

/** Renders what a plan would write. */
export interface Previews {
  readonly renderer: Renderer;
}
export const Previews = token<Previews>('server.Previews');

class WorkerPreviews implements Previews {
  readonly renderer = new Renderer();
}
provide(WorkerPreviews);

export const previewsPlugin = definePlugin({
  id: 'server.previews',
  register: (plugin) => plugin.provide(Previews, WorkerPreviews),
  start: (plugin) => () => plugin.resolve(Previews).renderer.stop(),
});

import { parentPort } from 'node:worker_threads';
import { renderComponent } from '@stackyard/sdk/render';
import type { RenderAnswer, RenderBatch } from './renderer.ts';

parentPort?.on('message', ({ id, batch }: { id: number; batch: RenderBatch }) => {
  parentPort?.postMessage(answer(id, batch));
});

parentPort?.postMessage('loaded' satisfies RenderAnswer);

function answer(id: number, { service, templates, items }: RenderBatch): RenderAnswer {
  try {
    const files = items.map(({ hostComponentId, component: name, inputs }) => {
      const component = service.components.find((each) => each.name === name);
      if (!component) throw new Error(`the service ${service.name} has no component ${name}`);
      return [hostComponentId, renderComponent({ service, component, templates, inputs })] as const;
    });
    return { id, files };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

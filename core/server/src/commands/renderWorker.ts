import { parentPort } from 'node:worker_threads';
import { renderComponent } from '@stackyard/sdk/render';
import type { RenderAnswer, RenderBatch } from './renderer.ts';

interface Work {
  readonly id: number;
  readonly batch: RenderBatch;
  readonly outputBytes: number;
}

parentPort?.on('message', (work: Work) => {
  parentPort?.postMessage(answer(work));
});

parentPort?.postMessage('loaded' satisfies RenderAnswer);

function answer({ id, batch: { service, templates, items }, outputBytes }: Work): RenderAnswer {
  try {
    const files = items.map(({ hostComponentId, component: name, inputs }) => {
      const component = service.components.find((each) => each.name === name);
      if (!component) throw new Error(`the service ${service.name} has no component ${name}`);
      const rendered = renderComponent({ service, component, templates, inputs });
      const bytes = rendered.reduce((total, { content }) => total + Buffer.byteLength(content), 0);
      if (bytes > outputBytes) throw new Error(`the files of ${name} have ${bytes} bytes, more than ${outputBytes}`);
      return [hostComponentId, rendered] as const;
    });
    return { id, files };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}

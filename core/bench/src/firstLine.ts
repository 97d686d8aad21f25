import { setTimeout as delay } from 'node:timers/promises';
import { figureOf, type Report } from './figures.ts';
import type { JobAnswer } from './world/api.ts';
import type { World } from './world/world.ts';

const ROUNDS = 30;
const WARM_UP = 5;
const PAUSE_MS = 300;

/** From the request to the first line that a shell script of the stack prints, as a reader who follows its log gets it. */
export async function benchFirstLine(world: World, { report }: { readonly report: Report }): Promise<void> {
  const { api } = world;
  await api.post('/clusters', { name: 'script', hosts: ['script'] });
  await api.run('script', { command: 'add', services: [{ service: 'script', components: { worker: ['script'] } }] });
  const times: number[] = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    await delay(PAUSE_MS);
    const begin = performance.now();
    const { id } = await api.post<JobAnswer>('/clusters/script/commands', { command: 'check', target: {} });
    const [task] = (await api.get<{ items: { id: string }[] }>(`/jobs/${id}/tasks`)).items;
    await api.followUntil(`/tasks/${task?.id}/log`, 'The script runs.');
    if (round >= 0) times.push(performance.now() - begin);
    const { state } = await api.get<JobAnswer>(`/jobs/${id}`);
    if (state !== 'RUNNING') throw new Error(`The line came only when job ${id} was ${state}.`);
    await api.finished(id);
  }
  report(figureOf({ name: 'from the request to the first line of a script', unit: 'ms' }, times));
}

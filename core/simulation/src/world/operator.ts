import type { Request } from './requests.ts';
import { jobId, submissionOf } from './workload.ts';
import type { World } from './world.ts';

const AGAIN_MS = 2_000;

/** A user who submits, cancels and retries jobs, and asks again until a server has taken the request. */
export function scheduleRequests(world: World): void {
  for (const plan of world.scenario.jobs) {
    const submission = submissionOf(plan);
    world.openRequests += 1;
    world.timeline.after(plan.at, () => ask(world, submission));
  }
  for (const { at, kind, job } of world.scenario.requests) {
    world.openRequests += 1;
    world.timeline.after(at, () => ask(world, { kind, jobId: jobId(job) }));
  }
}

function ask(world: World, request: Request): void {
  const { server, timeline } = world;
  const again = (): void => void timeline.after(AGAIN_MS, () => ask(world, request));
  if (!server) return again();
  let answered = false;
  // Whoever hears nothing asks again.
  timeline.after(AGAIN_MS * 15, () => {
    if (!answered) again();
    answered = true;
  });
  server.request(request, (happened) => {
    if (answered) return;
    answered = true;
    const subject = request.kind === 'submit' ? request.job.id : request.jobId;
    world.trace.note('operator', `${request.kind}: ${happened}`, subject);
    if (happened === 'failed') again();
    else world.openRequests -= 1;
  });
}

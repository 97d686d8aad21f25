import { describePlan, layout, plan, stale, type ClusterState, type CommandRequest } from '@stackyard/planner';

/** What would run: nothing here touches a host, a file or a clock. */
export function preview(state: ClusterState, request: CommandRequest, newId: () => string): string {
  const laidOut = layout(state, request, { newId }); // throws PlanRefusedError with every problem at once
  const rendered = new Map(); // files by host component: renderComponent(inputsOf(laidOut.next, …)) of the SDK
  const changed = stale(state, laidOut.next, rendered);
  const hosts = new Map(state.hosts.map(({ id, name }) => [id, name]));
  return describePlan(plan(state, laidOut, changed, request), { hosts });
}

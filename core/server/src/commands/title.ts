import type { CommandRequest } from '@stackyard/planner';
import type { Planned } from './planning.ts';

const verbs: Readonly<Record<CommandRequest['command'], string>> = {
  add: 'Add',
  start: 'Start',
  stop: 'Stop',
  restart: 'Restart',
  configure: 'Configure',
  check: 'Check',
  remove: 'Remove',
  action: 'Run',
  decommission: 'Decommission',
  recommission: 'Recommission',
};

/** Characters of what a title says a command is for. */
const MOST = 200;

/** What a job is called in lists: "Add zookeeper on 3 hosts". */
export function titleOf({ plan, next }: Planned): string {
  const { request } = plan;
  const what =
    request.command === 'add'
      ? request.services.map(({ service }) => service).join(', ')
      : `${request.command === 'action' ? `${request.action} of ` : ''}${targetOf(request, next.name)}`;
  const hosts = plan.hosts.length;
  const place = hosts > 0 ? ` on ${hosts} host${hosts === 1 ? '' : 's'}` : '';
  return `${verbs[request.command]} ${what.length > MOST ? `${what.slice(0, MOST)}…` : what}${place}`;
}

function targetOf({ target }: Exclude<CommandRequest, { command: 'add' }>, cluster: string): string {
  const place = target.hosts?.length === 1 ? ` of ${target.hosts[0]}` : '';
  return `${target.component ?? target.service ?? (place ? 'everything' : `cluster ${cluster}`)}${place}`;
}

import type { CommandRequest, UpgradeChange } from '@stackyard/planner';
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
  upgrade: 'Upgrade',
};

/** Characters of what a title says a command is for. */
const MOST = 200;

/** What a job is called in lists: "Add zookeeper on 3 hosts". */
export function titleOf({ plan, next, change }: Planned): string {
  const { request } = plan;
  const what =
    request.command === 'add'
      ? request.services.map(({ service }) => service).join(', ')
      : request.command === 'upgrade'
        ? request.service
        : `${request.command === 'action' ? `${request.action} of ` : ''}${targetOf(request, next.name)}`;
  const hosts = plan.hosts.length;
  const place = hosts > 0 ? ` on ${hosts} host${hosts === 1 ? '' : 's'}` : '';
  const name = what.length > MOST ? `${what.slice(0, MOST)}…` : what;
  if (request.command === 'upgrade') return `${wayOf(name, request.version, change.upgrade)}${place}`;
  return `${verbs[request.command]} ${name}${place}`;
}

/** By the product's versions, or the stack's where only that is another. */
function wayOf(name: string, version: string, upgrade: UpgradeChange | undefined): string {
  const { from, to } = upgrade ?? {};
  const known = from !== undefined && to !== undefined && from.product !== to.product;
  const target = known ? to.product : version;
  return upgrade?.back ? `Take ${name} back to ${target}` : `Upgrade ${name} to ${target}`;
}

function targetOf({ target }: Exclude<CommandRequest, { command: 'add' | 'upgrade' }>, cluster: string): string {
  const place = target.hosts?.length === 1 ? ` of ${target.hosts[0]}` : '';
  return `${target.component ?? target.service ?? (place ? 'everything' : `cluster ${cluster}`)}${place}`;
}

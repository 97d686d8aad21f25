import { hostPath } from '@stackyard/sdk/render';

/** Where the agent keeps what is its own, under the root of its host. */
export interface AgentPaths {
  /** Everything below is the agent's alone (0700). */
  readonly home: string;
  readonly identity: string;
  readonly fence: string;
  readonly spool: string;
  readonly artifacts: string;
  readonly downloads: string;
  readonly watched: string;
  readonly components: string;
  readonly log: string;
}

export function agentPaths(root: string): AgentPaths {
  const home = hostPath(root, '/var/lib/stackyard/agent');
  return {
    home,
    identity: `${home}/identity.json`,
    fence: `${home}/fence.json`,
    spool: `${home}/spool`,
    artifacts: `${home}/artifacts`,
    downloads: `${home}/packages`,
    watched: `${home}/watched.json`,
    components: hostPath(root, '/var/lib/stackyard/components'),
    log: hostPath(root, '/var/log/stackyard/agent.log'),
  };
}

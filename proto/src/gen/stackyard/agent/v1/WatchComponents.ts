// Original file: agent.proto

import type { WatchedComponent as _stackyard_agent_v1_WatchedComponent, WatchedComponent__Output as _stackyard_agent_v1_WatchedComponent__Output } from '../../../stackyard/agent/v1/WatchedComponent.ts';

export interface WatchComponents {
  'components'?: (_stackyard_agent_v1_WatchedComponent)[];
}

export interface WatchComponents__Output {
  'components': (_stackyard_agent_v1_WatchedComponent__Output)[];
}

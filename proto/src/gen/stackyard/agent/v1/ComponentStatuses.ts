// Original file: agent.proto

import type { ComponentStatus as _stackyard_agent_v1_ComponentStatus, ComponentStatus__Output as _stackyard_agent_v1_ComponentStatus__Output } from '../../../stackyard/agent/v1/ComponentStatus.ts';

export interface ComponentStatuses {
  'components'?: (_stackyard_agent_v1_ComponentStatus)[];
}

export interface ComponentStatuses__Output {
  'components': (_stackyard_agent_v1_ComponentStatus__Output)[];
}

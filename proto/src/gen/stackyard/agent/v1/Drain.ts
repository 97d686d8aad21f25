// Original file: agent.proto

import type { Instance as _stackyard_agent_v1_Instance, Instance__Output as _stackyard_agent_v1_Instance__Output } from '../../../stackyard/agent/v1/Instance.ts';

export interface Drain {
  'component'?: (string);
  'instances'?: (_stackyard_agent_v1_Instance)[];
}

export interface Drain__Output {
  'component': (string);
  'instances': (_stackyard_agent_v1_Instance__Output)[];
}

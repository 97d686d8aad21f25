// Original file: agent.proto

import type { Value as _stackyard_agent_v1_Value, Value__Output as _stackyard_agent_v1_Value__Output } from '../../../stackyard/agent/v1/Value.ts';

export interface ValueList {
  'items'?: (_stackyard_agent_v1_Value)[];
}

export interface ValueList__Output {
  'items': (_stackyard_agent_v1_Value__Output)[];
}

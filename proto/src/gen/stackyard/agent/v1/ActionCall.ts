// Original file: agent.proto

import type { ValueMap as _stackyard_agent_v1_ValueMap, ValueMap__Output as _stackyard_agent_v1_ValueMap__Output } from '../../../stackyard/agent/v1/ValueMap.ts';

export interface ActionCall {
  'name'?: (string);
  'input'?: (_stackyard_agent_v1_ValueMap | null);
}

export interface ActionCall__Output {
  'name': (string);
  'input': (_stackyard_agent_v1_ValueMap__Output | null);
}

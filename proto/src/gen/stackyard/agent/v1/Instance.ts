// Original file: agent.proto

import type { ValueMap as _stackyard_agent_v1_ValueMap, ValueMap__Output as _stackyard_agent_v1_ValueMap__Output } from '../../../stackyard/agent/v1/ValueMap.ts';

export interface Instance {
  'host'?: (string);
  'address'?: (string);
  'ordinal'?: (number);
  'overrides'?: ({[key: string]: _stackyard_agent_v1_ValueMap});
  'leaving'?: (boolean);
}

export interface Instance__Output {
  'host': (string);
  'address': (string);
  'ordinal': (number);
  'overrides': ({[key: string]: _stackyard_agent_v1_ValueMap__Output});
  'leaving': (boolean);
}

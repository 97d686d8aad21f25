// Original file: agent.proto

import type { ValueList as _stackyard_agent_v1_ValueList, ValueList__Output as _stackyard_agent_v1_ValueList__Output } from '../../../stackyard/agent/v1/ValueList.ts';
import type { ValueMap as _stackyard_agent_v1_ValueMap, ValueMap__Output as _stackyard_agent_v1_ValueMap__Output } from '../../../stackyard/agent/v1/ValueMap.ts';

export interface Value {
  'none'?: (boolean);
  'text'?: (string);
  'number'?: (number | string);
  'flag'?: (boolean);
  'list'?: (_stackyard_agent_v1_ValueList | null);
  'map'?: (_stackyard_agent_v1_ValueMap | null);
  'kind'?: "none"|"text"|"number"|"flag"|"list"|"map";
}

export interface Value__Output {
  'none'?: (boolean);
  'text'?: (string);
  'number'?: (number);
  'flag'?: (boolean);
  'list'?: (_stackyard_agent_v1_ValueList__Output | null);
  'map'?: (_stackyard_agent_v1_ValueMap__Output | null);
  'kind'?: "none"|"text"|"number"|"flag"|"list"|"map";
}

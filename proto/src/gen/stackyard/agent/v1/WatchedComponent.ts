// Original file: agent.proto

import type { Self as _stackyard_agent_v1_Self, Self__Output as _stackyard_agent_v1_Self__Output } from '../../../stackyard/agent/v1/Self.ts';
import type { ValueMap as _stackyard_agent_v1_ValueMap, ValueMap__Output as _stackyard_agent_v1_ValueMap__Output } from '../../../stackyard/agent/v1/ValueMap.ts';
import type { Long } from '@grpc/proto-loader';

export interface WatchedComponent {
  'hostComponentId'?: (string);
  'artifactDigest'?: (string);
  'service'?: (string);
  'component'?: (string);
  'self'?: (_stackyard_agent_v1_Self | null);
  'values'?: ({[key: string]: _stackyard_agent_v1_ValueMap});
  'artifactSize'?: (number | string | Long);
}

export interface WatchedComponent__Output {
  'hostComponentId': (string);
  'artifactDigest': (string);
  'service': (string);
  'component': (string);
  'self': (_stackyard_agent_v1_Self__Output | null);
  'values': ({[key: string]: _stackyard_agent_v1_ValueMap__Output});
  'artifactSize': (number);
}

// Original file: agent.proto

import type { Self as _stackyard_agent_v1_Self, Self__Output as _stackyard_agent_v1_Self__Output } from '../../../stackyard/agent/v1/Self.ts';
import type { ActionCall as _stackyard_agent_v1_ActionCall, ActionCall__Output as _stackyard_agent_v1_ActionCall__Output } from '../../../stackyard/agent/v1/ActionCall.ts';

export interface EnvelopeTerms {
  'taskId'?: (string);
  'attempt'?: (number);
  'phase'?: (string);
  'timeoutMs'?: (number);
  'killGraceMs'?: (number);
  'startWithinMs'?: (number);
  'component'?: (string);
  'self'?: (_stackyard_agent_v1_Self | null);
  'expectedFiles'?: ({[key: string]: string});
  'action'?: (_stackyard_agent_v1_ActionCall | null);
}

export interface EnvelopeTerms__Output {
  'taskId': (string);
  'attempt': (number);
  'phase': (string);
  'timeoutMs': (number);
  'killGraceMs': (number);
  'startWithinMs': (number);
  'component': (string);
  'self': (_stackyard_agent_v1_Self__Output | null);
  'expectedFiles': ({[key: string]: string});
  'action': (_stackyard_agent_v1_ActionCall__Output | null);
}

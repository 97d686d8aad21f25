// Original file: agent.proto

import type { AttemptRef as _stackyard_agent_v1_AttemptRef, AttemptRef__Output as _stackyard_agent_v1_AttemptRef__Output } from '../../../stackyard/agent/v1/AttemptRef.ts';

export interface Cancel {
  'attempt'?: (_stackyard_agent_v1_AttemptRef | null);
  'graceMs'?: (number);
  'cause'?: (string);
}

export interface Cancel__Output {
  'attempt': (_stackyard_agent_v1_AttemptRef__Output | null);
  'graceMs': (number);
  'cause': (string);
}

// Original file: agent.proto

import type { AttemptRef as _stackyard_agent_v1_AttemptRef, AttemptRef__Output as _stackyard_agent_v1_AttemptRef__Output } from '../../../stackyard/agent/v1/AttemptRef.ts';

export interface Recall {
  'attempt'?: (_stackyard_agent_v1_AttemptRef | null);
}

export interface Recall__Output {
  'attempt': (_stackyard_agent_v1_AttemptRef__Output | null);
}

// Original file: agent.proto

import type { AttemptRef as _stackyard_agent_v1_AttemptRef, AttemptRef__Output as _stackyard_agent_v1_AttemptRef__Output } from '../../../stackyard/agent/v1/AttemptRef.ts';
import type { AttemptPhase as _stackyard_agent_v1_AttemptPhase, AttemptPhase__Output as _stackyard_agent_v1_AttemptPhase__Output } from '../../../stackyard/agent/v1/AttemptPhase.ts';

export interface CancelReply {
  'attempt'?: (_stackyard_agent_v1_AttemptRef | null);
  'phase'?: (_stackyard_agent_v1_AttemptPhase);
}

export interface CancelReply__Output {
  'attempt': (_stackyard_agent_v1_AttemptRef__Output | null);
  'phase': (_stackyard_agent_v1_AttemptPhase__Output);
}

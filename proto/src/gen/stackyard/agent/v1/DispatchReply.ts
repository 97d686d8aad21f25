// Original file: agent.proto

import type { AttemptRef as _stackyard_agent_v1_AttemptRef, AttemptRef__Output as _stackyard_agent_v1_AttemptRef__Output } from '../../../stackyard/agent/v1/AttemptRef.ts';
import type { DispatchAnswer as _stackyard_agent_v1_DispatchAnswer, DispatchAnswer__Output as _stackyard_agent_v1_DispatchAnswer__Output } from '../../../stackyard/agent/v1/DispatchAnswer.ts';
import type { AttemptPhase as _stackyard_agent_v1_AttemptPhase, AttemptPhase__Output as _stackyard_agent_v1_AttemptPhase__Output } from '../../../stackyard/agent/v1/AttemptPhase.ts';

export interface DispatchReply {
  'attempt'?: (_stackyard_agent_v1_AttemptRef | null);
  'answer'?: (_stackyard_agent_v1_DispatchAnswer);
  'phase'?: (_stackyard_agent_v1_AttemptPhase);
  'reason'?: (string);
  'message'?: (string);
}

export interface DispatchReply__Output {
  'attempt': (_stackyard_agent_v1_AttemptRef__Output | null);
  'answer': (_stackyard_agent_v1_DispatchAnswer__Output);
  'phase': (_stackyard_agent_v1_AttemptPhase__Output);
  'reason': (string);
  'message': (string);
}

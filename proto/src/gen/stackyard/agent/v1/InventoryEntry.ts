// Original file: agent.proto

import type { AttemptRef as _stackyard_agent_v1_AttemptRef, AttemptRef__Output as _stackyard_agent_v1_AttemptRef__Output } from '../../../stackyard/agent/v1/AttemptRef.ts';
import type { AttemptPhase as _stackyard_agent_v1_AttemptPhase, AttemptPhase__Output as _stackyard_agent_v1_AttemptPhase__Output } from '../../../stackyard/agent/v1/AttemptPhase.ts';
import type { Result as _stackyard_agent_v1_Result, Result__Output as _stackyard_agent_v1_Result__Output } from '../../../stackyard/agent/v1/Result.ts';

export interface InventoryEntry {
  'attempt'?: (_stackyard_agent_v1_AttemptRef | null);
  'envelopeHash'?: (Buffer | Uint8Array | string);
  'phase'?: (_stackyard_agent_v1_AttemptPhase);
  'result'?: (_stackyard_agent_v1_Result | null);
}

export interface InventoryEntry__Output {
  'attempt': (_stackyard_agent_v1_AttemptRef__Output | null);
  'envelopeHash': (Buffer);
  'phase': (_stackyard_agent_v1_AttemptPhase__Output);
  'result': (_stackyard_agent_v1_Result__Output | null);
}

// Original file: agent.proto

import type { AttemptRef as _stackyard_agent_v1_AttemptRef, AttemptRef__Output as _stackyard_agent_v1_AttemptRef__Output } from '../../../stackyard/agent/v1/AttemptRef.ts';

export interface SecretsRequest {
  'attempt'?: (_stackyard_agent_v1_AttemptRef | null);
  'sealed'?: (string)[];
}

export interface SecretsRequest__Output {
  'attempt': (_stackyard_agent_v1_AttemptRef__Output | null);
  'sealed': (string)[];
}

// Original file: agent.proto

import type { AttemptRef as _stackyard_agent_v1_AttemptRef, AttemptRef__Output as _stackyard_agent_v1_AttemptRef__Output } from '../../../stackyard/agent/v1/AttemptRef.ts';

export interface Dispatch {
  'attempt'?: (_stackyard_agent_v1_AttemptRef | null);
  'envelopeHash'?: (Buffer | Uint8Array | string);
  'envelope'?: (Buffer | Uint8Array | string);
}

export interface Dispatch__Output {
  'attempt': (_stackyard_agent_v1_AttemptRef__Output | null);
  'envelopeHash': (Buffer);
  'envelope': (Buffer);
}

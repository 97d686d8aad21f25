// Original file: agent.proto

import type { AttemptRef as _stackyard_agent_v1_AttemptRef, AttemptRef__Output as _stackyard_agent_v1_AttemptRef__Output } from '../../../stackyard/agent/v1/AttemptRef.ts';
import type { Long } from '@grpc/proto-loader';

export interface LogChunk {
  'attempt'?: (_stackyard_agent_v1_AttemptRef | null);
  'offset'?: (number | string | Long);
  'data'?: (Buffer | Uint8Array | string);
  'last'?: (boolean);
}

export interface LogChunk__Output {
  'attempt': (_stackyard_agent_v1_AttemptRef__Output | null);
  'offset': (number);
  'data': (Buffer);
  'last': (boolean);
}

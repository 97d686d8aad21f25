// Original file: agent.proto

import type { AttemptRef as _stackyard_agent_v1_AttemptRef, AttemptRef__Output as _stackyard_agent_v1_AttemptRef__Output } from '../../../stackyard/agent/v1/AttemptRef.ts';
import type { Long } from '@grpc/proto-loader';

export interface LogAck {
  'attempt'?: (_stackyard_agent_v1_AttemptRef | null);
  'durableOffset'?: (number | string | Long);
}

export interface LogAck__Output {
  'attempt': (_stackyard_agent_v1_AttemptRef__Output | null);
  'durableOffset': (number);
}

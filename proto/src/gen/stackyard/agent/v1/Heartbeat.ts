// Original file: agent.proto

import type { AttemptRef as _stackyard_agent_v1_AttemptRef, AttemptRef__Output as _stackyard_agent_v1_AttemptRef__Output } from '../../../stackyard/agent/v1/AttemptRef.ts';
import type { Long } from '@grpc/proto-loader';

export interface Heartbeat {
  'n'?: (number | string | Long);
  'attemptsDigest'?: (Buffer | Uint8Array | string);
  'running'?: (_stackyard_agent_v1_AttemptRef)[];
  'spoolBytes'?: (number | string | Long);
  'diskFree'?: (number | string | Long);
  'loopLagMs'?: (number);
}

export interface Heartbeat__Output {
  'n': (number);
  'attemptsDigest': (Buffer);
  'running': (_stackyard_agent_v1_AttemptRef__Output)[];
  'spoolBytes': (number);
  'diskFree': (number);
  'loopLagMs': (number);
}

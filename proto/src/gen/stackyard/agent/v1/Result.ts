// Original file: agent.proto

import type { AttemptRef as _stackyard_agent_v1_AttemptRef, AttemptRef__Output as _stackyard_agent_v1_AttemptRef__Output } from '../../../stackyard/agent/v1/AttemptRef.ts';
import type { Long } from '@grpc/proto-loader';

export interface Result {
  'attempt'?: (_stackyard_agent_v1_AttemptRef | null);
  'envelopeHash'?: (Buffer | Uint8Array | string);
  'reason'?: (string);
  'message'?: (string);
  'exitCode'?: (number);
  'signal'?: (string);
  'startedAtMs'?: (number | string | Long);
  'durationMs'?: (number | string | Long);
  'logSize'?: (number | string | Long);
  'outputs'?: ({[key: string]: string});
  'applied'?: ({[key: string]: string});
}

export interface Result__Output {
  'attempt': (_stackyard_agent_v1_AttemptRef__Output | null);
  'envelopeHash': (Buffer);
  'reason': (string);
  'message': (string);
  'exitCode': (number);
  'signal': (string);
  'startedAtMs': (number);
  'durationMs': (number);
  'logSize': (number);
  'outputs': ({[key: string]: string});
  'applied': ({[key: string]: string});
}

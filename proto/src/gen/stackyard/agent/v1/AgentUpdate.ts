// Original file: agent.proto

import type { Long } from '@grpc/proto-loader';

export interface AgentUpdate {
  'version'?: (string);
  'digest'?: (string);
  'size'?: (number | string | Long);
  'trialSeconds'?: (number);
}

export interface AgentUpdate__Output {
  'version': (string);
  'digest': (string);
  'size': (number);
  'trialSeconds': (number);
}

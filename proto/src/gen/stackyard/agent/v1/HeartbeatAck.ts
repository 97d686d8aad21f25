// Original file: agent.proto

import type { Long } from '@grpc/proto-loader';

export interface HeartbeatAck {
  'n'?: (number | string | Long);
  'leaseMs'?: (number);
  'heartbeatMs'?: (number);
}

export interface HeartbeatAck__Output {
  'n': (number);
  'leaseMs': (number);
  'heartbeatMs': (number);
}

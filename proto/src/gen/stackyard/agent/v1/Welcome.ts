// Original file: agent.proto

import type { Long } from '@grpc/proto-loader';

export interface Welcome {
  'installId'?: (string);
  'epoch'?: (number | string | Long);
  'sessionNo'?: (number | string | Long);
  'heartbeatMs'?: (number);
  'leaseMs'?: (number);
}

export interface Welcome__Output {
  'installId': (string);
  'epoch': (number);
  'sessionNo': (number);
  'heartbeatMs': (number);
  'leaseMs': (number);
}

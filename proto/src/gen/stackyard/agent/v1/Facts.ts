// Original file: agent.proto

import type { Long } from '@grpc/proto-loader';

export interface Facts {
  'cpus'?: (number);
  'memory'?: (number | string | Long);
  'disk'?: (number | string | Long);
}

export interface Facts__Output {
  'cpus': (number);
  'memory': (number);
  'disk': (number);
}

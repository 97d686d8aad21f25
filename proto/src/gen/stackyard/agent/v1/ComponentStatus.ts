// Original file: agent.proto

import type { Long } from '@grpc/proto-loader';

export interface ComponentStatus {
  'hostComponentId'?: (string);
  'observed'?: (string);
  'message'?: (string);
  'role'?: (string);
  'restarts'?: (number);
  'pid'?: (number);
  'sinceMs'?: (number | string | Long);
  'health'?: ({[key: string]: boolean});
  'ordinal'?: (number);
}

export interface ComponentStatus__Output {
  'hostComponentId': (string);
  'observed': (string);
  'message': (string);
  'role': (string);
  'restarts': (number);
  'pid': (number);
  'sinceMs': (number);
  'health': ({[key: string]: boolean});
  'ordinal': (number);
}

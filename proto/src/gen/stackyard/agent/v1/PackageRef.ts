// Original file: agent.proto

import type { Long } from '@grpc/proto-loader';

export interface PackageRef {
  'version'?: (string);
  'digest'?: (string);
  'size'?: (number | string | Long);
}

export interface PackageRef__Output {
  'version': (string);
  'digest': (string);
  'size': (number);
}

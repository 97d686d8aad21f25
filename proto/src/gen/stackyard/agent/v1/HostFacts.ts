// Original file: agent.proto

import type { Java as _stackyard_agent_v1_Java, Java__Output as _stackyard_agent_v1_Java__Output } from '../../../stackyard/agent/v1/Java.ts';
import type { Long } from '@grpc/proto-loader';

export interface HostFacts {
  'hostname'?: (string);
  'os'?: (string);
  'kernel'?: (string);
  'arch'?: (string);
  'cpus'?: (number);
  'memory'?: (number | string | Long);
  'disk'?: (number | string | Long);
  'java'?: (_stackyard_agent_v1_Java)[];
  'root'?: (string);
  'address'?: (string);
  'bind'?: (string);
  'local'?: (boolean);
  'privileged'?: (boolean);
  'more'?: ({[key: string]: string});
  'osFamily'?: (string);
}

export interface HostFacts__Output {
  'hostname': (string);
  'os': (string);
  'kernel': (string);
  'arch': (string);
  'cpus': (number);
  'memory': (number);
  'disk': (number);
  'java': (_stackyard_agent_v1_Java__Output)[];
  'root': (string);
  'address': (string);
  'bind': (string);
  'local': (boolean);
  'privileged': (boolean);
  'more': ({[key: string]: string});
  'osFamily': (string);
}

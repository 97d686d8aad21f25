// Original file: agent.proto

import type { Self as _stackyard_agent_v1_Self, Self__Output as _stackyard_agent_v1_Self__Output } from '../../../stackyard/agent/v1/Self.ts';
import type { ValueMap as _stackyard_agent_v1_ValueMap, ValueMap__Output as _stackyard_agent_v1_ValueMap__Output } from '../../../stackyard/agent/v1/ValueMap.ts';
import type { Instances as _stackyard_agent_v1_Instances, Instances__Output as _stackyard_agent_v1_Instances__Output } from '../../../stackyard/agent/v1/Instances.ts';
import type { PackageRef as _stackyard_agent_v1_PackageRef, PackageRef__Output as _stackyard_agent_v1_PackageRef__Output } from '../../../stackyard/agent/v1/PackageRef.ts';
import type { Facts as _stackyard_agent_v1_Facts, Facts__Output as _stackyard_agent_v1_Facts__Output } from '../../../stackyard/agent/v1/Facts.ts';
import type { ActionCall as _stackyard_agent_v1_ActionCall, ActionCall__Output as _stackyard_agent_v1_ActionCall__Output } from '../../../stackyard/agent/v1/ActionCall.ts';
import type { Drain as _stackyard_agent_v1_Drain, Drain__Output as _stackyard_agent_v1_Drain__Output } from '../../../stackyard/agent/v1/Drain.ts';
import type { Long } from '@grpc/proto-loader';

export interface Envelope {
  'taskId'?: (string);
  'attempt'?: (number);
  'jobId'?: (string);
  'clusterId'?: (string);
  'phase'?: (string);
  'idempotent'?: (boolean);
  'timeoutMs'?: (number);
  'killGraceMs'?: (number);
  'startWithinMs'?: (number);
  'artifactDigest'?: (string);
  'artifactSize'?: (number | string | Long);
  'service'?: (string);
  'component'?: (string);
  'self'?: (_stackyard_agent_v1_Self | null);
  'values'?: ({[key: string]: _stackyard_agent_v1_ValueMap});
  'instances'?: ({[key: string]: _stackyard_agent_v1_Instances});
  'imports'?: ({[key: string]: _stackyard_agent_v1_ValueMap});
  'packages'?: ({[key: string]: _stackyard_agent_v1_PackageRef});
  'expectedFiles'?: ({[key: string]: string});
  'once'?: (string)[];
  'deleteData'?: (boolean);
  'serviceUser'?: (string);
  'facts'?: (_stackyard_agent_v1_Facts | null);
  'action'?: (_stackyard_agent_v1_ActionCall | null);
  'drain'?: (_stackyard_agent_v1_Drain | null);
}

export interface Envelope__Output {
  'taskId': (string);
  'attempt': (number);
  'jobId': (string);
  'clusterId': (string);
  'phase': (string);
  'idempotent': (boolean);
  'timeoutMs': (number);
  'killGraceMs': (number);
  'startWithinMs': (number);
  'artifactDigest': (string);
  'artifactSize': (number);
  'service': (string);
  'component': (string);
  'self': (_stackyard_agent_v1_Self__Output | null);
  'values': ({[key: string]: _stackyard_agent_v1_ValueMap__Output});
  'instances': ({[key: string]: _stackyard_agent_v1_Instances__Output});
  'imports': ({[key: string]: _stackyard_agent_v1_ValueMap__Output});
  'packages': ({[key: string]: _stackyard_agent_v1_PackageRef__Output});
  'expectedFiles': ({[key: string]: string});
  'once': (string)[];
  'deleteData': (boolean);
  'serviceUser': (string);
  'facts': (_stackyard_agent_v1_Facts__Output | null);
  'action': (_stackyard_agent_v1_ActionCall__Output | null);
  'drain': (_stackyard_agent_v1_Drain__Output | null);
}

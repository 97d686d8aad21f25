// Original file: agent.proto

import type { InventoryEntry as _stackyard_agent_v1_InventoryEntry, InventoryEntry__Output as _stackyard_agent_v1_InventoryEntry__Output } from '../../../stackyard/agent/v1/InventoryEntry.ts';
import type { HostFacts as _stackyard_agent_v1_HostFacts, HostFacts__Output as _stackyard_agent_v1_HostFacts__Output } from '../../../stackyard/agent/v1/HostFacts.ts';
import type { ComponentStatus as _stackyard_agent_v1_ComponentStatus, ComponentStatus__Output as _stackyard_agent_v1_ComponentStatus__Output } from '../../../stackyard/agent/v1/ComponentStatus.ts';
import type { TrustedAuthorities as _stackyard_agent_v1_TrustedAuthorities, TrustedAuthorities__Output as _stackyard_agent_v1_TrustedAuthorities__Output } from '../../../stackyard/agent/v1/TrustedAuthorities.ts';
import type { Long } from '@grpc/proto-loader';

export interface Hello {
  'protoMin'?: (number);
  'protoMax'?: (number);
  'agentBootId'?: (string);
  'hostBootId'?: (string);
  'journalId'?: (string);
  'installId'?: (string);
  'maxEpochSeen'?: (number | string | Long);
  'inventory'?: (_stackyard_agent_v1_InventoryEntry)[];
  'facts'?: (_stackyard_agent_v1_HostFacts | null);
  'components'?: (_stackyard_agent_v1_ComponentStatus)[];
  'agentVersion'?: (string);
  'trusted'?: (_stackyard_agent_v1_TrustedAuthorities | null);
}

export interface Hello__Output {
  'protoMin': (number);
  'protoMax': (number);
  'agentBootId': (string);
  'hostBootId': (string);
  'journalId': (string);
  'installId': (string);
  'maxEpochSeen': (number);
  'inventory': (_stackyard_agent_v1_InventoryEntry__Output)[];
  'facts': (_stackyard_agent_v1_HostFacts__Output | null);
  'components': (_stackyard_agent_v1_ComponentStatus__Output)[];
  'agentVersion': (string);
  'trusted': (_stackyard_agent_v1_TrustedAuthorities__Output | null);
}

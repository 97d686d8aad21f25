// Original file: agent.proto

import type { ServerMessage as _stackyard_agent_v1_ServerMessage, ServerMessage__Output as _stackyard_agent_v1_ServerMessage__Output } from '../../../stackyard/agent/v1/ServerMessage.ts';

export interface ServerFrame {
  'messages'?: (_stackyard_agent_v1_ServerMessage)[];
}

export interface ServerFrame__Output {
  'messages': (_stackyard_agent_v1_ServerMessage__Output)[];
}

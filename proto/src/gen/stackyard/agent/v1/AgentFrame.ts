// Original file: agent.proto

import type { AgentMessage as _stackyard_agent_v1_AgentMessage, AgentMessage__Output as _stackyard_agent_v1_AgentMessage__Output } from '../../../stackyard/agent/v1/AgentMessage.ts';

export interface AgentFrame {
  'messages'?: (_stackyard_agent_v1_AgentMessage)[];
}

export interface AgentFrame__Output {
  'messages': (_stackyard_agent_v1_AgentMessage__Output)[];
}

// Original file: agent.proto

import type { Welcome as _stackyard_agent_v1_Welcome, Welcome__Output as _stackyard_agent_v1_Welcome__Output } from '../../../stackyard/agent/v1/Welcome.ts';
import type { HeartbeatAck as _stackyard_agent_v1_HeartbeatAck, HeartbeatAck__Output as _stackyard_agent_v1_HeartbeatAck__Output } from '../../../stackyard/agent/v1/HeartbeatAck.ts';
import type { Dispatch as _stackyard_agent_v1_Dispatch, Dispatch__Output as _stackyard_agent_v1_Dispatch__Output } from '../../../stackyard/agent/v1/Dispatch.ts';
import type { ResultAck as _stackyard_agent_v1_ResultAck, ResultAck__Output as _stackyard_agent_v1_ResultAck__Output } from '../../../stackyard/agent/v1/ResultAck.ts';
import type { Cancel as _stackyard_agent_v1_Cancel, Cancel__Output as _stackyard_agent_v1_Cancel__Output } from '../../../stackyard/agent/v1/Cancel.ts';
import type { Goaway as _stackyard_agent_v1_Goaway, Goaway__Output as _stackyard_agent_v1_Goaway__Output } from '../../../stackyard/agent/v1/Goaway.ts';
import type { WatchComponents as _stackyard_agent_v1_WatchComponents, WatchComponents__Output as _stackyard_agent_v1_WatchComponents__Output } from '../../../stackyard/agent/v1/WatchComponents.ts';
import type { TrustAuthorities as _stackyard_agent_v1_TrustAuthorities, TrustAuthorities__Output as _stackyard_agent_v1_TrustAuthorities__Output } from '../../../stackyard/agent/v1/TrustAuthorities.ts';
import type { AgentUpdate as _stackyard_agent_v1_AgentUpdate, AgentUpdate__Output as _stackyard_agent_v1_AgentUpdate__Output } from '../../../stackyard/agent/v1/AgentUpdate.ts';
import type { Recall as _stackyard_agent_v1_Recall, Recall__Output as _stackyard_agent_v1_Recall__Output } from '../../../stackyard/agent/v1/Recall.ts';

export interface ServerMessage {
  'welcome'?: (_stackyard_agent_v1_Welcome | null);
  'heartbeatAck'?: (_stackyard_agent_v1_HeartbeatAck | null);
  'dispatch'?: (_stackyard_agent_v1_Dispatch | null);
  'resultAck'?: (_stackyard_agent_v1_ResultAck | null);
  'cancel'?: (_stackyard_agent_v1_Cancel | null);
  'goaway'?: (_stackyard_agent_v1_Goaway | null);
  'watchComponents'?: (_stackyard_agent_v1_WatchComponents | null);
  'trust'?: (_stackyard_agent_v1_TrustAuthorities | null);
  'update'?: (_stackyard_agent_v1_AgentUpdate | null);
  'recall'?: (_stackyard_agent_v1_Recall | null);
  'body'?: "welcome"|"heartbeatAck"|"dispatch"|"resultAck"|"cancel"|"goaway"|"watchComponents"|"trust"|"update"|"recall";
}

export interface ServerMessage__Output {
  'welcome'?: (_stackyard_agent_v1_Welcome__Output | null);
  'heartbeatAck'?: (_stackyard_agent_v1_HeartbeatAck__Output | null);
  'dispatch'?: (_stackyard_agent_v1_Dispatch__Output | null);
  'resultAck'?: (_stackyard_agent_v1_ResultAck__Output | null);
  'cancel'?: (_stackyard_agent_v1_Cancel__Output | null);
  'goaway'?: (_stackyard_agent_v1_Goaway__Output | null);
  'watchComponents'?: (_stackyard_agent_v1_WatchComponents__Output | null);
  'trust'?: (_stackyard_agent_v1_TrustAuthorities__Output | null);
  'update'?: (_stackyard_agent_v1_AgentUpdate__Output | null);
  'recall'?: (_stackyard_agent_v1_Recall__Output | null);
  'body'?: "welcome"|"heartbeatAck"|"dispatch"|"resultAck"|"cancel"|"goaway"|"watchComponents"|"trust"|"update"|"recall";
}

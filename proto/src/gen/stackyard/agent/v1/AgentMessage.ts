// Original file: agent.proto

import type { Hello as _stackyard_agent_v1_Hello, Hello__Output as _stackyard_agent_v1_Hello__Output } from '../../../stackyard/agent/v1/Hello.ts';
import type { Heartbeat as _stackyard_agent_v1_Heartbeat, Heartbeat__Output as _stackyard_agent_v1_Heartbeat__Output } from '../../../stackyard/agent/v1/Heartbeat.ts';
import type { DispatchReply as _stackyard_agent_v1_DispatchReply, DispatchReply__Output as _stackyard_agent_v1_DispatchReply__Output } from '../../../stackyard/agent/v1/DispatchReply.ts';
import type { Started as _stackyard_agent_v1_Started, Started__Output as _stackyard_agent_v1_Started__Output } from '../../../stackyard/agent/v1/Started.ts';
import type { Result as _stackyard_agent_v1_Result, Result__Output as _stackyard_agent_v1_Result__Output } from '../../../stackyard/agent/v1/Result.ts';
import type { CancelReply as _stackyard_agent_v1_CancelReply, CancelReply__Output as _stackyard_agent_v1_CancelReply__Output } from '../../../stackyard/agent/v1/CancelReply.ts';
import type { ComponentStatuses as _stackyard_agent_v1_ComponentStatuses, ComponentStatuses__Output as _stackyard_agent_v1_ComponentStatuses__Output } from '../../../stackyard/agent/v1/ComponentStatuses.ts';
import type { HostFacts as _stackyard_agent_v1_HostFacts, HostFacts__Output as _stackyard_agent_v1_HostFacts__Output } from '../../../stackyard/agent/v1/HostFacts.ts';
import type { Goodbye as _stackyard_agent_v1_Goodbye, Goodbye__Output as _stackyard_agent_v1_Goodbye__Output } from '../../../stackyard/agent/v1/Goodbye.ts';
import type { TrustedAuthorities as _stackyard_agent_v1_TrustedAuthorities, TrustedAuthorities__Output as _stackyard_agent_v1_TrustedAuthorities__Output } from '../../../stackyard/agent/v1/TrustedAuthorities.ts';
import type { Forgotten as _stackyard_agent_v1_Forgotten, Forgotten__Output as _stackyard_agent_v1_Forgotten__Output } from '../../../stackyard/agent/v1/Forgotten.ts';

export interface AgentMessage {
  'hello'?: (_stackyard_agent_v1_Hello | null);
  'heartbeat'?: (_stackyard_agent_v1_Heartbeat | null);
  'dispatchReply'?: (_stackyard_agent_v1_DispatchReply | null);
  'started'?: (_stackyard_agent_v1_Started | null);
  'result'?: (_stackyard_agent_v1_Result | null);
  'cancelReply'?: (_stackyard_agent_v1_CancelReply | null);
  'componentStatuses'?: (_stackyard_agent_v1_ComponentStatuses | null);
  'facts'?: (_stackyard_agent_v1_HostFacts | null);
  'goodbye'?: (_stackyard_agent_v1_Goodbye | null);
  'trusted'?: (_stackyard_agent_v1_TrustedAuthorities | null);
  'forgotten'?: (_stackyard_agent_v1_Forgotten | null);
  'body'?: "hello"|"heartbeat"|"dispatchReply"|"started"|"result"|"cancelReply"|"componentStatuses"|"facts"|"goodbye"|"trusted"|"forgotten";
}

export interface AgentMessage__Output {
  'hello'?: (_stackyard_agent_v1_Hello__Output | null);
  'heartbeat'?: (_stackyard_agent_v1_Heartbeat__Output | null);
  'dispatchReply'?: (_stackyard_agent_v1_DispatchReply__Output | null);
  'started'?: (_stackyard_agent_v1_Started__Output | null);
  'result'?: (_stackyard_agent_v1_Result__Output | null);
  'cancelReply'?: (_stackyard_agent_v1_CancelReply__Output | null);
  'componentStatuses'?: (_stackyard_agent_v1_ComponentStatuses__Output | null);
  'facts'?: (_stackyard_agent_v1_HostFacts__Output | null);
  'goodbye'?: (_stackyard_agent_v1_Goodbye__Output | null);
  'trusted'?: (_stackyard_agent_v1_TrustedAuthorities__Output | null);
  'forgotten'?: (_stackyard_agent_v1_Forgotten__Output | null);
  'body'?: "hello"|"heartbeat"|"dispatchReply"|"started"|"result"|"cancelReply"|"componentStatuses"|"facts"|"goodbye"|"trusted"|"forgotten";
}

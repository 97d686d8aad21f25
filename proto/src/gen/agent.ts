import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { ActionCall as _stackyard_agent_v1_ActionCall, ActionCall__Output as _stackyard_agent_v1_ActionCall__Output } from './stackyard/agent/v1/ActionCall.ts';
import type { AgentFrame as _stackyard_agent_v1_AgentFrame, AgentFrame__Output as _stackyard_agent_v1_AgentFrame__Output } from './stackyard/agent/v1/AgentFrame.ts';
import type { AgentMessage as _stackyard_agent_v1_AgentMessage, AgentMessage__Output as _stackyard_agent_v1_AgentMessage__Output } from './stackyard/agent/v1/AgentMessage.ts';
import type { AgentUpdate as _stackyard_agent_v1_AgentUpdate, AgentUpdate__Output as _stackyard_agent_v1_AgentUpdate__Output } from './stackyard/agent/v1/AgentUpdate.ts';
import type { AgentsClient as _stackyard_agent_v1_AgentsClient, AgentsDefinition as _stackyard_agent_v1_AgentsDefinition } from './stackyard/agent/v1/Agents.ts';
import type { AttemptRef as _stackyard_agent_v1_AttemptRef, AttemptRef__Output as _stackyard_agent_v1_AttemptRef__Output } from './stackyard/agent/v1/AttemptRef.ts';
import type { Cancel as _stackyard_agent_v1_Cancel, Cancel__Output as _stackyard_agent_v1_Cancel__Output } from './stackyard/agent/v1/Cancel.ts';
import type { CancelReply as _stackyard_agent_v1_CancelReply, CancelReply__Output as _stackyard_agent_v1_CancelReply__Output } from './stackyard/agent/v1/CancelReply.ts';
import type { ComponentStatus as _stackyard_agent_v1_ComponentStatus, ComponentStatus__Output as _stackyard_agent_v1_ComponentStatus__Output } from './stackyard/agent/v1/ComponentStatus.ts';
import type { ComponentStatuses as _stackyard_agent_v1_ComponentStatuses, ComponentStatuses__Output as _stackyard_agent_v1_ComponentStatuses__Output } from './stackyard/agent/v1/ComponentStatuses.ts';
import type { Dispatch as _stackyard_agent_v1_Dispatch, Dispatch__Output as _stackyard_agent_v1_Dispatch__Output } from './stackyard/agent/v1/Dispatch.ts';
import type { DispatchReply as _stackyard_agent_v1_DispatchReply, DispatchReply__Output as _stackyard_agent_v1_DispatchReply__Output } from './stackyard/agent/v1/DispatchReply.ts';
import type { DownloadChunk as _stackyard_agent_v1_DownloadChunk, DownloadChunk__Output as _stackyard_agent_v1_DownloadChunk__Output } from './stackyard/agent/v1/DownloadChunk.ts';
import type { DownloadRequest as _stackyard_agent_v1_DownloadRequest, DownloadRequest__Output as _stackyard_agent_v1_DownloadRequest__Output } from './stackyard/agent/v1/DownloadRequest.ts';
import type { Drain as _stackyard_agent_v1_Drain, Drain__Output as _stackyard_agent_v1_Drain__Output } from './stackyard/agent/v1/Drain.ts';
import type { Envelope as _stackyard_agent_v1_Envelope, Envelope__Output as _stackyard_agent_v1_Envelope__Output } from './stackyard/agent/v1/Envelope.ts';
import type { EnvelopeTerms as _stackyard_agent_v1_EnvelopeTerms, EnvelopeTerms__Output as _stackyard_agent_v1_EnvelopeTerms__Output } from './stackyard/agent/v1/EnvelopeTerms.ts';
import type { Facts as _stackyard_agent_v1_Facts, Facts__Output as _stackyard_agent_v1_Facts__Output } from './stackyard/agent/v1/Facts.ts';
import type { Forgotten as _stackyard_agent_v1_Forgotten, Forgotten__Output as _stackyard_agent_v1_Forgotten__Output } from './stackyard/agent/v1/Forgotten.ts';
import type { Goaway as _stackyard_agent_v1_Goaway, Goaway__Output as _stackyard_agent_v1_Goaway__Output } from './stackyard/agent/v1/Goaway.ts';
import type { Goodbye as _stackyard_agent_v1_Goodbye, Goodbye__Output as _stackyard_agent_v1_Goodbye__Output } from './stackyard/agent/v1/Goodbye.ts';
import type { Heartbeat as _stackyard_agent_v1_Heartbeat, Heartbeat__Output as _stackyard_agent_v1_Heartbeat__Output } from './stackyard/agent/v1/Heartbeat.ts';
import type { HeartbeatAck as _stackyard_agent_v1_HeartbeatAck, HeartbeatAck__Output as _stackyard_agent_v1_HeartbeatAck__Output } from './stackyard/agent/v1/HeartbeatAck.ts';
import type { Hello as _stackyard_agent_v1_Hello, Hello__Output as _stackyard_agent_v1_Hello__Output } from './stackyard/agent/v1/Hello.ts';
import type { HostFacts as _stackyard_agent_v1_HostFacts, HostFacts__Output as _stackyard_agent_v1_HostFacts__Output } from './stackyard/agent/v1/HostFacts.ts';
import type { Instance as _stackyard_agent_v1_Instance, Instance__Output as _stackyard_agent_v1_Instance__Output } from './stackyard/agent/v1/Instance.ts';
import type { Instances as _stackyard_agent_v1_Instances, Instances__Output as _stackyard_agent_v1_Instances__Output } from './stackyard/agent/v1/Instances.ts';
import type { InventoryEntry as _stackyard_agent_v1_InventoryEntry, InventoryEntry__Output as _stackyard_agent_v1_InventoryEntry__Output } from './stackyard/agent/v1/InventoryEntry.ts';
import type { Java as _stackyard_agent_v1_Java, Java__Output as _stackyard_agent_v1_Java__Output } from './stackyard/agent/v1/Java.ts';
import type { LogAck as _stackyard_agent_v1_LogAck, LogAck__Output as _stackyard_agent_v1_LogAck__Output } from './stackyard/agent/v1/LogAck.ts';
import type { LogChunk as _stackyard_agent_v1_LogChunk, LogChunk__Output as _stackyard_agent_v1_LogChunk__Output } from './stackyard/agent/v1/LogChunk.ts';
import type { LogFrame as _stackyard_agent_v1_LogFrame, LogFrame__Output as _stackyard_agent_v1_LogFrame__Output } from './stackyard/agent/v1/LogFrame.ts';
import type { PackageRef as _stackyard_agent_v1_PackageRef, PackageRef__Output as _stackyard_agent_v1_PackageRef__Output } from './stackyard/agent/v1/PackageRef.ts';
import type { Recall as _stackyard_agent_v1_Recall, Recall__Output as _stackyard_agent_v1_Recall__Output } from './stackyard/agent/v1/Recall.ts';
import type { RenewReply as _stackyard_agent_v1_RenewReply, RenewReply__Output as _stackyard_agent_v1_RenewReply__Output } from './stackyard/agent/v1/RenewReply.ts';
import type { RenewRequest as _stackyard_agent_v1_RenewRequest, RenewRequest__Output as _stackyard_agent_v1_RenewRequest__Output } from './stackyard/agent/v1/RenewRequest.ts';
import type { Result as _stackyard_agent_v1_Result, Result__Output as _stackyard_agent_v1_Result__Output } from './stackyard/agent/v1/Result.ts';
import type { ResultAck as _stackyard_agent_v1_ResultAck, ResultAck__Output as _stackyard_agent_v1_ResultAck__Output } from './stackyard/agent/v1/ResultAck.ts';
import type { SecretsReply as _stackyard_agent_v1_SecretsReply, SecretsReply__Output as _stackyard_agent_v1_SecretsReply__Output } from './stackyard/agent/v1/SecretsReply.ts';
import type { SecretsRequest as _stackyard_agent_v1_SecretsRequest, SecretsRequest__Output as _stackyard_agent_v1_SecretsRequest__Output } from './stackyard/agent/v1/SecretsRequest.ts';
import type { Self as _stackyard_agent_v1_Self, Self__Output as _stackyard_agent_v1_Self__Output } from './stackyard/agent/v1/Self.ts';
import type { ServerFrame as _stackyard_agent_v1_ServerFrame, ServerFrame__Output as _stackyard_agent_v1_ServerFrame__Output } from './stackyard/agent/v1/ServerFrame.ts';
import type { ServerMessage as _stackyard_agent_v1_ServerMessage, ServerMessage__Output as _stackyard_agent_v1_ServerMessage__Output } from './stackyard/agent/v1/ServerMessage.ts';
import type { Started as _stackyard_agent_v1_Started, Started__Output as _stackyard_agent_v1_Started__Output } from './stackyard/agent/v1/Started.ts';
import type { TrustAuthorities as _stackyard_agent_v1_TrustAuthorities, TrustAuthorities__Output as _stackyard_agent_v1_TrustAuthorities__Output } from './stackyard/agent/v1/TrustAuthorities.ts';
import type { TrustedAuthorities as _stackyard_agent_v1_TrustedAuthorities, TrustedAuthorities__Output as _stackyard_agent_v1_TrustedAuthorities__Output } from './stackyard/agent/v1/TrustedAuthorities.ts';
import type { Value as _stackyard_agent_v1_Value, Value__Output as _stackyard_agent_v1_Value__Output } from './stackyard/agent/v1/Value.ts';
import type { ValueList as _stackyard_agent_v1_ValueList, ValueList__Output as _stackyard_agent_v1_ValueList__Output } from './stackyard/agent/v1/ValueList.ts';
import type { ValueMap as _stackyard_agent_v1_ValueMap, ValueMap__Output as _stackyard_agent_v1_ValueMap__Output } from './stackyard/agent/v1/ValueMap.ts';
import type { WatchComponents as _stackyard_agent_v1_WatchComponents, WatchComponents__Output as _stackyard_agent_v1_WatchComponents__Output } from './stackyard/agent/v1/WatchComponents.ts';
import type { WatchedComponent as _stackyard_agent_v1_WatchedComponent, WatchedComponent__Output as _stackyard_agent_v1_WatchedComponent__Output } from './stackyard/agent/v1/WatchedComponent.ts';
import type { Welcome as _stackyard_agent_v1_Welcome, Welcome__Output as _stackyard_agent_v1_Welcome__Output } from './stackyard/agent/v1/Welcome.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  stackyard: {
    agent: {
      v1: {
        ActionCall: MessageTypeDefinition<_stackyard_agent_v1_ActionCall, _stackyard_agent_v1_ActionCall__Output>
        AgentFrame: MessageTypeDefinition<_stackyard_agent_v1_AgentFrame, _stackyard_agent_v1_AgentFrame__Output>
        AgentMessage: MessageTypeDefinition<_stackyard_agent_v1_AgentMessage, _stackyard_agent_v1_AgentMessage__Output>
        AgentUpdate: MessageTypeDefinition<_stackyard_agent_v1_AgentUpdate, _stackyard_agent_v1_AgentUpdate__Output>
        Agents: SubtypeConstructor<typeof grpc.Client, _stackyard_agent_v1_AgentsClient> & { service: _stackyard_agent_v1_AgentsDefinition }
        AttemptPhase: EnumTypeDefinition
        AttemptRef: MessageTypeDefinition<_stackyard_agent_v1_AttemptRef, _stackyard_agent_v1_AttemptRef__Output>
        Cancel: MessageTypeDefinition<_stackyard_agent_v1_Cancel, _stackyard_agent_v1_Cancel__Output>
        CancelReply: MessageTypeDefinition<_stackyard_agent_v1_CancelReply, _stackyard_agent_v1_CancelReply__Output>
        ComponentStatus: MessageTypeDefinition<_stackyard_agent_v1_ComponentStatus, _stackyard_agent_v1_ComponentStatus__Output>
        ComponentStatuses: MessageTypeDefinition<_stackyard_agent_v1_ComponentStatuses, _stackyard_agent_v1_ComponentStatuses__Output>
        Dispatch: MessageTypeDefinition<_stackyard_agent_v1_Dispatch, _stackyard_agent_v1_Dispatch__Output>
        DispatchAnswer: EnumTypeDefinition
        DispatchReply: MessageTypeDefinition<_stackyard_agent_v1_DispatchReply, _stackyard_agent_v1_DispatchReply__Output>
        DownloadChunk: MessageTypeDefinition<_stackyard_agent_v1_DownloadChunk, _stackyard_agent_v1_DownloadChunk__Output>
        DownloadRequest: MessageTypeDefinition<_stackyard_agent_v1_DownloadRequest, _stackyard_agent_v1_DownloadRequest__Output>
        Drain: MessageTypeDefinition<_stackyard_agent_v1_Drain, _stackyard_agent_v1_Drain__Output>
        Envelope: MessageTypeDefinition<_stackyard_agent_v1_Envelope, _stackyard_agent_v1_Envelope__Output>
        EnvelopeTerms: MessageTypeDefinition<_stackyard_agent_v1_EnvelopeTerms, _stackyard_agent_v1_EnvelopeTerms__Output>
        Facts: MessageTypeDefinition<_stackyard_agent_v1_Facts, _stackyard_agent_v1_Facts__Output>
        Forgotten: MessageTypeDefinition<_stackyard_agent_v1_Forgotten, _stackyard_agent_v1_Forgotten__Output>
        Goaway: MessageTypeDefinition<_stackyard_agent_v1_Goaway, _stackyard_agent_v1_Goaway__Output>
        Goodbye: MessageTypeDefinition<_stackyard_agent_v1_Goodbye, _stackyard_agent_v1_Goodbye__Output>
        Heartbeat: MessageTypeDefinition<_stackyard_agent_v1_Heartbeat, _stackyard_agent_v1_Heartbeat__Output>
        HeartbeatAck: MessageTypeDefinition<_stackyard_agent_v1_HeartbeatAck, _stackyard_agent_v1_HeartbeatAck__Output>
        Hello: MessageTypeDefinition<_stackyard_agent_v1_Hello, _stackyard_agent_v1_Hello__Output>
        HostFacts: MessageTypeDefinition<_stackyard_agent_v1_HostFacts, _stackyard_agent_v1_HostFacts__Output>
        Instance: MessageTypeDefinition<_stackyard_agent_v1_Instance, _stackyard_agent_v1_Instance__Output>
        Instances: MessageTypeDefinition<_stackyard_agent_v1_Instances, _stackyard_agent_v1_Instances__Output>
        InventoryEntry: MessageTypeDefinition<_stackyard_agent_v1_InventoryEntry, _stackyard_agent_v1_InventoryEntry__Output>
        Java: MessageTypeDefinition<_stackyard_agent_v1_Java, _stackyard_agent_v1_Java__Output>
        LogAck: MessageTypeDefinition<_stackyard_agent_v1_LogAck, _stackyard_agent_v1_LogAck__Output>
        LogChunk: MessageTypeDefinition<_stackyard_agent_v1_LogChunk, _stackyard_agent_v1_LogChunk__Output>
        LogFrame: MessageTypeDefinition<_stackyard_agent_v1_LogFrame, _stackyard_agent_v1_LogFrame__Output>
        PackageRef: MessageTypeDefinition<_stackyard_agent_v1_PackageRef, _stackyard_agent_v1_PackageRef__Output>
        Recall: MessageTypeDefinition<_stackyard_agent_v1_Recall, _stackyard_agent_v1_Recall__Output>
        RenewReply: MessageTypeDefinition<_stackyard_agent_v1_RenewReply, _stackyard_agent_v1_RenewReply__Output>
        RenewRequest: MessageTypeDefinition<_stackyard_agent_v1_RenewRequest, _stackyard_agent_v1_RenewRequest__Output>
        Result: MessageTypeDefinition<_stackyard_agent_v1_Result, _stackyard_agent_v1_Result__Output>
        ResultAck: MessageTypeDefinition<_stackyard_agent_v1_ResultAck, _stackyard_agent_v1_ResultAck__Output>
        SecretsReply: MessageTypeDefinition<_stackyard_agent_v1_SecretsReply, _stackyard_agent_v1_SecretsReply__Output>
        SecretsRequest: MessageTypeDefinition<_stackyard_agent_v1_SecretsRequest, _stackyard_agent_v1_SecretsRequest__Output>
        Self: MessageTypeDefinition<_stackyard_agent_v1_Self, _stackyard_agent_v1_Self__Output>
        ServerFrame: MessageTypeDefinition<_stackyard_agent_v1_ServerFrame, _stackyard_agent_v1_ServerFrame__Output>
        ServerMessage: MessageTypeDefinition<_stackyard_agent_v1_ServerMessage, _stackyard_agent_v1_ServerMessage__Output>
        Started: MessageTypeDefinition<_stackyard_agent_v1_Started, _stackyard_agent_v1_Started__Output>
        TrustAuthorities: MessageTypeDefinition<_stackyard_agent_v1_TrustAuthorities, _stackyard_agent_v1_TrustAuthorities__Output>
        TrustedAuthorities: MessageTypeDefinition<_stackyard_agent_v1_TrustedAuthorities, _stackyard_agent_v1_TrustedAuthorities__Output>
        Value: MessageTypeDefinition<_stackyard_agent_v1_Value, _stackyard_agent_v1_Value__Output>
        ValueList: MessageTypeDefinition<_stackyard_agent_v1_ValueList, _stackyard_agent_v1_ValueList__Output>
        ValueMap: MessageTypeDefinition<_stackyard_agent_v1_ValueMap, _stackyard_agent_v1_ValueMap__Output>
        WatchComponents: MessageTypeDefinition<_stackyard_agent_v1_WatchComponents, _stackyard_agent_v1_WatchComponents__Output>
        WatchedComponent: MessageTypeDefinition<_stackyard_agent_v1_WatchedComponent, _stackyard_agent_v1_WatchedComponent__Output>
        Welcome: MessageTypeDefinition<_stackyard_agent_v1_Welcome, _stackyard_agent_v1_Welcome__Output>
      }
    }
  }
}


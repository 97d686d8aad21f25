// Original file: agent.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { JoinReply as _stackyard_agent_v1_JoinReply, JoinReply__Output as _stackyard_agent_v1_JoinReply__Output } from '../../../stackyard/agent/v1/JoinReply.ts';
import type { JoinRequest as _stackyard_agent_v1_JoinRequest, JoinRequest__Output as _stackyard_agent_v1_JoinRequest__Output } from '../../../stackyard/agent/v1/JoinRequest.ts';

export interface EnrolmentClient extends grpc.Client {
  Join(argument: _stackyard_agent_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stackyard_agent_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  Join(argument: _stackyard_agent_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stackyard_agent_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  Join(argument: _stackyard_agent_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stackyard_agent_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  Join(argument: _stackyard_agent_v1_JoinRequest, callback: grpc.requestCallback<_stackyard_agent_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  join(argument: _stackyard_agent_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stackyard_agent_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  join(argument: _stackyard_agent_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stackyard_agent_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  join(argument: _stackyard_agent_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stackyard_agent_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  join(argument: _stackyard_agent_v1_JoinRequest, callback: grpc.requestCallback<_stackyard_agent_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  
}

export interface EnrolmentHandlers extends grpc.UntypedServiceImplementation {
  Join: grpc.handleUnaryCall<_stackyard_agent_v1_JoinRequest__Output, _stackyard_agent_v1_JoinReply>;
  
}

export interface EnrolmentDefinition extends grpc.ServiceDefinition {
  Join: MethodDefinition<_stackyard_agent_v1_JoinRequest, _stackyard_agent_v1_JoinReply, _stackyard_agent_v1_JoinRequest__Output, _stackyard_agent_v1_JoinReply__Output>
}

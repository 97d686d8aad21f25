// Original file: agent.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AgentFrame as _stackyard_agent_v1_AgentFrame, AgentFrame__Output as _stackyard_agent_v1_AgentFrame__Output } from '../../../stackyard/agent/v1/AgentFrame.ts';
import type { DownloadChunk as _stackyard_agent_v1_DownloadChunk, DownloadChunk__Output as _stackyard_agent_v1_DownloadChunk__Output } from '../../../stackyard/agent/v1/DownloadChunk.ts';
import type { DownloadRequest as _stackyard_agent_v1_DownloadRequest, DownloadRequest__Output as _stackyard_agent_v1_DownloadRequest__Output } from '../../../stackyard/agent/v1/DownloadRequest.ts';
import type { LogAck as _stackyard_agent_v1_LogAck, LogAck__Output as _stackyard_agent_v1_LogAck__Output } from '../../../stackyard/agent/v1/LogAck.ts';
import type { LogFrame as _stackyard_agent_v1_LogFrame, LogFrame__Output as _stackyard_agent_v1_LogFrame__Output } from '../../../stackyard/agent/v1/LogFrame.ts';
import type { RenewReply as _stackyard_agent_v1_RenewReply, RenewReply__Output as _stackyard_agent_v1_RenewReply__Output } from '../../../stackyard/agent/v1/RenewReply.ts';
import type { RenewRequest as _stackyard_agent_v1_RenewRequest, RenewRequest__Output as _stackyard_agent_v1_RenewRequest__Output } from '../../../stackyard/agent/v1/RenewRequest.ts';
import type { SecretsReply as _stackyard_agent_v1_SecretsReply, SecretsReply__Output as _stackyard_agent_v1_SecretsReply__Output } from '../../../stackyard/agent/v1/SecretsReply.ts';
import type { SecretsRequest as _stackyard_agent_v1_SecretsRequest, SecretsRequest__Output as _stackyard_agent_v1_SecretsRequest__Output } from '../../../stackyard/agent/v1/SecretsRequest.ts';
import type { ServerFrame as _stackyard_agent_v1_ServerFrame, ServerFrame__Output as _stackyard_agent_v1_ServerFrame__Output } from '../../../stackyard/agent/v1/ServerFrame.ts';

export interface AgentsClient extends grpc.Client {
  Control(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_stackyard_agent_v1_AgentFrame, _stackyard_agent_v1_ServerFrame__Output>;
  Control(options?: grpc.CallOptions): grpc.ClientDuplexStream<_stackyard_agent_v1_AgentFrame, _stackyard_agent_v1_ServerFrame__Output>;
  control(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_stackyard_agent_v1_AgentFrame, _stackyard_agent_v1_ServerFrame__Output>;
  control(options?: grpc.CallOptions): grpc.ClientDuplexStream<_stackyard_agent_v1_AgentFrame, _stackyard_agent_v1_ServerFrame__Output>;
  
  Download(argument: _stackyard_agent_v1_DownloadRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_stackyard_agent_v1_DownloadChunk__Output>;
  Download(argument: _stackyard_agent_v1_DownloadRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_stackyard_agent_v1_DownloadChunk__Output>;
  download(argument: _stackyard_agent_v1_DownloadRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_stackyard_agent_v1_DownloadChunk__Output>;
  download(argument: _stackyard_agent_v1_DownloadRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_stackyard_agent_v1_DownloadChunk__Output>;
  
  Logs(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_stackyard_agent_v1_LogFrame, _stackyard_agent_v1_LogAck__Output>;
  Logs(options?: grpc.CallOptions): grpc.ClientDuplexStream<_stackyard_agent_v1_LogFrame, _stackyard_agent_v1_LogAck__Output>;
  logs(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_stackyard_agent_v1_LogFrame, _stackyard_agent_v1_LogAck__Output>;
  logs(options?: grpc.CallOptions): grpc.ClientDuplexStream<_stackyard_agent_v1_LogFrame, _stackyard_agent_v1_LogAck__Output>;
  
  Renew(argument: _stackyard_agent_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stackyard_agent_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  Renew(argument: _stackyard_agent_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stackyard_agent_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  Renew(argument: _stackyard_agent_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stackyard_agent_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  Renew(argument: _stackyard_agent_v1_RenewRequest, callback: grpc.requestCallback<_stackyard_agent_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _stackyard_agent_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stackyard_agent_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _stackyard_agent_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stackyard_agent_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _stackyard_agent_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stackyard_agent_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _stackyard_agent_v1_RenewRequest, callback: grpc.requestCallback<_stackyard_agent_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  
  Secrets(argument: _stackyard_agent_v1_SecretsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stackyard_agent_v1_SecretsReply__Output>): grpc.ClientUnaryCall;
  Secrets(argument: _stackyard_agent_v1_SecretsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stackyard_agent_v1_SecretsReply__Output>): grpc.ClientUnaryCall;
  Secrets(argument: _stackyard_agent_v1_SecretsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stackyard_agent_v1_SecretsReply__Output>): grpc.ClientUnaryCall;
  Secrets(argument: _stackyard_agent_v1_SecretsRequest, callback: grpc.requestCallback<_stackyard_agent_v1_SecretsReply__Output>): grpc.ClientUnaryCall;
  secrets(argument: _stackyard_agent_v1_SecretsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_stackyard_agent_v1_SecretsReply__Output>): grpc.ClientUnaryCall;
  secrets(argument: _stackyard_agent_v1_SecretsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_stackyard_agent_v1_SecretsReply__Output>): grpc.ClientUnaryCall;
  secrets(argument: _stackyard_agent_v1_SecretsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_stackyard_agent_v1_SecretsReply__Output>): grpc.ClientUnaryCall;
  secrets(argument: _stackyard_agent_v1_SecretsRequest, callback: grpc.requestCallback<_stackyard_agent_v1_SecretsReply__Output>): grpc.ClientUnaryCall;
  
}

export interface AgentsHandlers extends grpc.UntypedServiceImplementation {
  Control: grpc.handleBidiStreamingCall<_stackyard_agent_v1_AgentFrame__Output, _stackyard_agent_v1_ServerFrame>;
  
  Download: grpc.handleServerStreamingCall<_stackyard_agent_v1_DownloadRequest__Output, _stackyard_agent_v1_DownloadChunk>;
  
  Logs: grpc.handleBidiStreamingCall<_stackyard_agent_v1_LogFrame__Output, _stackyard_agent_v1_LogAck>;
  
  Renew: grpc.handleUnaryCall<_stackyard_agent_v1_RenewRequest__Output, _stackyard_agent_v1_RenewReply>;
  
  Secrets: grpc.handleUnaryCall<_stackyard_agent_v1_SecretsRequest__Output, _stackyard_agent_v1_SecretsReply>;
  
}

export interface AgentsDefinition extends grpc.ServiceDefinition {
  Control: MethodDefinition<_stackyard_agent_v1_AgentFrame, _stackyard_agent_v1_ServerFrame, _stackyard_agent_v1_AgentFrame__Output, _stackyard_agent_v1_ServerFrame__Output>
  Download: MethodDefinition<_stackyard_agent_v1_DownloadRequest, _stackyard_agent_v1_DownloadChunk, _stackyard_agent_v1_DownloadRequest__Output, _stackyard_agent_v1_DownloadChunk__Output>
  Logs: MethodDefinition<_stackyard_agent_v1_LogFrame, _stackyard_agent_v1_LogAck, _stackyard_agent_v1_LogFrame__Output, _stackyard_agent_v1_LogAck__Output>
  Renew: MethodDefinition<_stackyard_agent_v1_RenewRequest, _stackyard_agent_v1_RenewReply, _stackyard_agent_v1_RenewRequest__Output, _stackyard_agent_v1_RenewReply__Output>
  Secrets: MethodDefinition<_stackyard_agent_v1_SecretsRequest, _stackyard_agent_v1_SecretsReply, _stackyard_agent_v1_SecretsRequest__Output, _stackyard_agent_v1_SecretsReply__Output>
}

import * as grpc from '@grpc/grpc-js';
import { fromJSON, loadSync, type Options } from '@grpc/proto-loader';
import type { ProtoGrpcType } from './gen/agent.ts';
import type { Envelope, Envelope__Output } from './gen/stackyard/agent/v1/Envelope.ts';
import type { EnvelopeTerms__Output } from './gen/stackyard/agent/v1/EnvelopeTerms.ts';

export type { AgentFrame, AgentFrame__Output } from './gen/stackyard/agent/v1/AgentFrame.ts';
export type { AgentMessage, AgentMessage__Output } from './gen/stackyard/agent/v1/AgentMessage.ts';
export type { AgentsClient, AgentsHandlers } from './gen/stackyard/agent/v1/Agents.ts';
export type { AttemptPhase, AttemptPhase__Output } from './gen/stackyard/agent/v1/AttemptPhase.ts';
export type { AttemptRef, AttemptRef__Output } from './gen/stackyard/agent/v1/AttemptRef.ts';
export type { ComponentStatus, ComponentStatus__Output } from './gen/stackyard/agent/v1/ComponentStatus.ts';
export type { Dispatch, Dispatch__Output } from './gen/stackyard/agent/v1/Dispatch.ts';
export type { DispatchAnswer, DispatchAnswer__Output } from './gen/stackyard/agent/v1/DispatchAnswer.ts';
export type { DispatchReply, DispatchReply__Output } from './gen/stackyard/agent/v1/DispatchReply.ts';
export type { DownloadChunk, DownloadChunk__Output } from './gen/stackyard/agent/v1/DownloadChunk.ts';
export type { DownloadRequest, DownloadRequest__Output } from './gen/stackyard/agent/v1/DownloadRequest.ts';
export type { Envelope, Envelope__Output } from './gen/stackyard/agent/v1/Envelope.ts';
export type { EnvelopeTerms__Output } from './gen/stackyard/agent/v1/EnvelopeTerms.ts';
export type { Hello, Hello__Output } from './gen/stackyard/agent/v1/Hello.ts';
export type { HostFacts, HostFacts__Output } from './gen/stackyard/agent/v1/HostFacts.ts';
export type { Instance, Instance__Output } from './gen/stackyard/agent/v1/Instance.ts';
export type { InventoryEntry, InventoryEntry__Output } from './gen/stackyard/agent/v1/InventoryEntry.ts';
export type { LogAck, LogAck__Output } from './gen/stackyard/agent/v1/LogAck.ts';
export type { LogChunk, LogChunk__Output } from './gen/stackyard/agent/v1/LogChunk.ts';
export type { LogFrame, LogFrame__Output } from './gen/stackyard/agent/v1/LogFrame.ts';
export type { RenewReply, RenewReply__Output } from './gen/stackyard/agent/v1/RenewReply.ts';
export type { RenewRequest__Output } from './gen/stackyard/agent/v1/RenewRequest.ts';
export type { SecretsReply, SecretsReply__Output } from './gen/stackyard/agent/v1/SecretsReply.ts';
export type { SecretsRequest__Output } from './gen/stackyard/agent/v1/SecretsRequest.ts';
export type { Result, Result__Output } from './gen/stackyard/agent/v1/Result.ts';
export type { Self, Self__Output } from './gen/stackyard/agent/v1/Self.ts';
export type { ServerFrame, ServerFrame__Output } from './gen/stackyard/agent/v1/ServerFrame.ts';
export type { ServerMessage, ServerMessage__Output } from './gen/stackyard/agent/v1/ServerMessage.ts';
export type { AgentUpdate, AgentUpdate__Output } from './gen/stackyard/agent/v1/AgentUpdate.ts';
export type { TrustAuthorities, TrustAuthorities__Output } from './gen/stackyard/agent/v1/TrustAuthorities.ts';
export type { TrustedAuthorities, TrustedAuthorities__Output } from './gen/stackyard/agent/v1/TrustedAuthorities.ts';
export type { Value, Value__Output } from './gen/stackyard/agent/v1/Value.ts';
export type { ValueMap, ValueMap__Output } from './gen/stackyard/agent/v1/ValueMap.ts';
export type { WatchedComponent, WatchedComponent__Output } from './gen/stackyard/agent/v1/WatchedComponent.ts';

export { fromValue, fromValueMap, type Json, toValue, toValueMap } from './values.ts';

/** The options the types in gen/ were generated with; loading with others would make the types lie. */
const options: Options = { longs: Number, enums: String, defaults: true, oneofs: true };

declare global {
  /** Set by a bundler that put the parsed agent.proto into the bundle, where no file lies beside the code. */
  // eslint-disable-next-line no-var
  var STACKYARD_PROTO_JSON: Parameters<typeof fromJSON>[0] | undefined;
}

const definition = globalThis.STACKYARD_PROTO_JSON
  ? fromJSON(globalThis.STACKYARD_PROTO_JSON, options)
  : loadSync(new URL('../agent.proto', import.meta.url).pathname, options);

const loaded = grpc.loadPackageDefinition(definition) as unknown as ProtoGrpcType;

/** Service definitions and client constructors of the protocol. */
export const { Agents } = loaded.stackyard.agent.v1;

const { Envelope: envelopeType, EnvelopeTerms: termsType } = loaded.stackyard.agent.v1;

/** Bytes of instances: all envelopes of a service in one job hold the same object, which may be long. */
const encodedInstances = new WeakMap<object, Buffer>();

/** The bytes of an envelope: what is hashed, journaled and sent. Its `instances` must not change after the first call. */
export function encodeEnvelope({ instances, ...own }: Envelope): Buffer {
  if (!instances) return envelopeType.serialize(own);
  let shared = encodedInstances.get(instances);
  if (!shared) {
    shared = envelopeType.serialize({ instances });
    encodedInstances.set(instances, shared);
  }
  // By the rules of protobuf the bytes of two halves of a message are the message.
  return Buffer.concat([envelopeType.serialize(own), shared]);
}

export function decodeEnvelope(bytes: Buffer): Envelope__Output {
  return envelopeType.deserialize(bytes);
}

/** The few fields of an envelope that say what is to be done and in what time; the others are not looked at. */
export function decodeTerms(bytes: Buffer): EnvelopeTerms__Output {
  return termsType.deserialize(bytes);
}

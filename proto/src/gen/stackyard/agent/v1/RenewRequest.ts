// Original file: agent.proto


export interface RenewRequest {
  'request'?: (Buffer | Uint8Array | string);
}

export interface RenewRequest__Output {
  'request': (Buffer);
}

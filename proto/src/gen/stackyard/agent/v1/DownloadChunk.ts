// Original file: agent.proto


export interface DownloadChunk {
  'data'?: (Buffer | Uint8Array | string);
}

export interface DownloadChunk__Output {
  'data': (Buffer);
}

// Original file: agent.proto

import type { LogChunk as _stackyard_agent_v1_LogChunk, LogChunk__Output as _stackyard_agent_v1_LogChunk__Output } from '../../../stackyard/agent/v1/LogChunk.ts';

export interface LogFrame {
  'chunks'?: (_stackyard_agent_v1_LogChunk)[];
}

export interface LogFrame__Output {
  'chunks': (_stackyard_agent_v1_LogChunk__Output)[];
}

// Original file: agent.proto


export interface JoinReply {
  'agentId'?: (string);
  'secret'?: (string);
  'installId'?: (string);
}

export interface JoinReply__Output {
  'agentId': (string);
  'secret': (string);
  'installId': (string);
}

// Original file: agent.proto


export interface JoinRequest {
  'token'?: (string);
  'hostName'?: (string);
}

export interface JoinRequest__Output {
  'token': (string);
  'hostName': (string);
}

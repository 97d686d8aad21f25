// Original file: agent.proto


export interface SecretsReply {
  'opened'?: ({[key: string]: string});
}

export interface SecretsReply__Output {
  'opened': ({[key: string]: string});
}

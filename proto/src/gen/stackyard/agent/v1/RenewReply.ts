// Original file: agent.proto


export interface RenewReply {
  'certificate'?: (string);
  'authorities'?: (string);
}

export interface RenewReply__Output {
  'certificate': (string);
  'authorities': (string);
}

// Original file: agent.proto


export interface Goaway {
  'retryAfterMs'?: (number);
  'reason'?: (string);
}

export interface Goaway__Output {
  'retryAfterMs': (number);
  'reason': (string);
}

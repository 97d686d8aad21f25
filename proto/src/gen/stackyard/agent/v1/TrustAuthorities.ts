// Original file: agent.proto


export interface TrustAuthorities {
  'authorities'?: (string);
  'issuingSha256'?: (string);
  'renewWithinMs'?: (number);
}

export interface TrustAuthorities__Output {
  'authorities': (string);
  'issuingSha256': (string);
  'renewWithinMs': (number);
}

// Original file: agent.proto


export interface TrustedAuthorities {
  'sha256'?: (string)[];
}

export interface TrustedAuthorities__Output {
  'sha256': (string)[];
}

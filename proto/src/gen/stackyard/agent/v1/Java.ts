// Original file: agent.proto


export interface Java {
  'home'?: (string);
  'version'?: (string);
  'vendor'?: (string);
}

export interface Java__Output {
  'home': (string);
  'version': (string);
  'vendor': (string);
}

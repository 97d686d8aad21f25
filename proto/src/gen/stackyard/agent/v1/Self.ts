// Original file: agent.proto


export interface Self {
  'hostComponentId'?: (string);
  'host'?: (string);
  'address'?: (string);
  'bind'?: (string);
  'root'?: (string);
  'ordinal'?: (number);
  'local'?: (boolean);
  'javaHome'?: (string);
}

export interface Self__Output {
  'hostComponentId': (string);
  'host': (string);
  'address': (string);
  'bind': (string);
  'root': (string);
  'ordinal': (number);
  'local': (boolean);
  'javaHome': (string);
}

// Original file: agent.proto


export interface AttemptRef {
  'taskId'?: (string);
  'number'?: (number);
}

export interface AttemptRef__Output {
  'taskId': (string);
  'number': (number);
}

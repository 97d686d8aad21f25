// Original file: agent.proto


export interface Goodbye {
}

export interface Goodbye__Output {
}

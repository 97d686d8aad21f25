export { type AgentOptions, runAgent, type RunningAgent } from './agent/runAgent.ts';
export { type AgentBundle, buildBundle, bundleCommand } from './bundle.ts';
export { ControlConnection, type ControlEvents } from './connection/control.ts';
export { type Identity, join, joinServer, type JoinOptions, readIdentity } from './identity.ts';
export { main as agentMain } from './main.ts';
export * from './errors.ts';
export * as executor from './executor/index.ts';
export * as session from './session/index.ts';
export { type Extras, fromWire, type Gauges, type HelloExtras, termsOf, toWire } from './wire.ts';

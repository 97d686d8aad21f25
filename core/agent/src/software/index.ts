export { ARCHITECTURES, type Architecture, type NodeSources } from './nodeBinary.ts';
export { type AgentSoftware, agentSoftware } from './software.ts';

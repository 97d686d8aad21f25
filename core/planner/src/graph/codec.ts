import { GraphFormatError } from '../errors.ts';
import type { TaskGraph } from '../plan.ts';

/** "SYG" and the version of the layout: tasks, nodes, offsets, targets as little-endian 32-bit numbers. */
const MAGIC = 0x53_59_47_01;
const HEADER = 3;

/** A graph as bytes for one database column: 4 bytes per node and per edge. */
export function encodeGraph(graph: TaskGraph): Uint8Array {
  const words = HEADER + graph.offsets.length + graph.targets.length;
  const bytes = new Uint8Array(words * 4);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const put = (word: number): void => {
    view.setUint32(at, word, true);
    at += 4;
  };
  for (const word of [MAGIC, graph.tasks, graph.nodes]) put(word);
  for (const word of graph.offsets) put(word);
  for (const word of graph.targets) put(word);
  return bytes;
}

/** @throws GraphFormatError when the bytes are not what encodeGraph wrote */
export function decodeGraph(bytes: Uint8Array): TaskGraph {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = bytes.byteLength / 4;
  if (!Number.isInteger(words) || words < HEADER + 1) throw new GraphFormatError(`${bytes.byteLength} bytes`);
  const word = (index: number): number => view.getUint32(index * 4, true);
  if (word(0) !== MAGIC) throw new GraphFormatError('it does not start with the mark of this version');
  const [tasks, nodes] = [word(1), word(2)];
  if (tasks > nodes || words < HEADER + nodes + 1) throw new GraphFormatError('it is cut off');
  const offsets = new Uint32Array(nodes + 1);
  for (let node = 0; node <= nodes; node++) offsets[node] = word(HEADER + node);
  const edges = words - HEADER - nodes - 1;
  if (offsets[0] !== 0 || offsets[nodes] !== edges) throw new GraphFormatError(`it holds ${edges} edges`);
  const targets = new Uint32Array(edges);
  for (let edge = 0; edge < edges; edge++) {
    targets[edge] = word(HEADER + nodes + 1 + edge);
    if (targets[edge]! >= nodes) throw new GraphFormatError(`edge ${edge} leads outside`);
  }
  for (let node = 0; node < nodes; node++) {
    if (offsets[node]! > offsets[node + 1]!) throw new GraphFormatError(`the edges of node ${node} overlap`);
  }
  return { tasks, nodes, offsets, targets };
}

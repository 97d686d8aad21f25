/** The agent's half of the transfer of logs, without files and streams. */
export { keptBytes, type KeptLimits, keptLimits, type Piece, pieceAt } from './kept.ts';
export {
  CHUNK_BYTES,
  type FeedEffect,
  type FeedEvent,
  type FeedState,
  type FeedStep,
  newFeed,
  stepFeed,
  WINDOW_BYTES,
} from './step.ts';

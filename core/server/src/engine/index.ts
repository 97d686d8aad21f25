/** The server's half of the dispatch protocol as pure steps: no promise, timer, clock or database. */
export type { EngineEvent, Happening, KnownHost, Times } from './core/events.ts';
export type { EngineEffect } from './core/effects.ts';
export { acceptChunk, type LogEnd, type SentChunk } from './logIntake.ts';
export { type LoadedJob, loadedJob, pendingAttempt, type Place } from './core/job.ts';
export { firstTasks, issuedFirst } from './core/firsts.ts';
export { stepEngine } from './core/step.ts';
export { createEngineState, type EngineState, type EngineTerms } from './core/state.ts';
export * from './sessions/messages.ts';
export { attemptsDigest } from './sessions/turn.ts';
export { type Column, type Move, reconcile, type Row } from './sessions/reconcile.ts';
export type { CloseCode, KnownAttempt } from './sessions/state.ts';
export * from './writer/changes.ts';
export { createWriterState, isIdle, type WriterState, type WriterTerms } from './writer/state.ts';
export { stepWriter } from './writer/step.ts';
export type { Batch, NumberedEvent, WriterEffect, WriterEvent, WriterHappening } from './writer/events.ts';

export {
  attemptGroup,
  componentGroup,
  type Group,
  joinGroup,
  mechanismHere,
  removeGroup,
  sweepGroups,
} from './cgroups.ts';
export {
  ComponentBusyError,
  ComponentUnknownError,
  InvalidProcessValueError,
  KeeperFailedError,
  LockedError,
  ProcessError,
  ProcessesSurviveError,
  ToolMissingError,
} from './errors.ts';
export { type Mechanism } from './hierarchies.ts';
export { identityOf, isAlive, type ProcessIdentity, readBootId } from './identity.ts';
export { ensureKeeper, startKeeper, type StartOptions } from './keeper.ts';
export { type Cookie, endProcesses, type EndReport, findByCookie } from './kill.ts';
export { type Lock, lockHostRoot, takeLock } from './lock.ts';
export { retireLog, rotateComponentLogs, type RotateOptions, type Rotation, rotateLog, segmentsOf } from './rotate.ts';
export { type Backoff, defaultBackoff, type ProcessSpec } from './spec.ts';
export { type ComponentState, type Desired, type ProcessExit, readSpec, readState } from './state.ts';
export { isCleanExit, stopComponent, type StopOptions, type StopReport, withoutRestarts } from './stop.ts';
export { type ComponentWatcher, watchComponents, type WatchOptions } from './watch.ts';

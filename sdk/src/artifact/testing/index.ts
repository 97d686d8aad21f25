export { type HostileArchive, hostileArchives, hostileManifests } from './hostileArchives.ts';
export { paxRecord, type RawEntry, rawEntry, rawTar } from './rawTar.ts';

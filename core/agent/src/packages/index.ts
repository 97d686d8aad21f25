export { download, type DownloadOptions, type DownloadProgress } from './download.ts';
export { type UnpackLimits } from './entryGate.ts';
export { DiskFullError, PackageRefusedError, PackageTargetError } from './errors.ts';
export { RECORD_FILE } from './record.ts';
export { type UnpackedPackage, unpackPackage, type UnpackOptions } from './unpack.ts';

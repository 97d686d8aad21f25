export { download, type DownloadOptions, type DownloadProgress } from './download.ts';
export { type UnpackLimits } from './entryGate.ts';
export { DiskFullError, PackageRefusedError, PackageTargetError } from './errors.ts';
export { RECORD_FILE, type UnpackedPackage, unpackPackage, type UnpackOptions } from './unpack.ts';

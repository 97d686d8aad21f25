/** Lies in every unpacked package and tells which one it is. */
export const RECORD_FILE = '.stackyard-package.json';

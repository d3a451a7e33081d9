/** Beside the instance folders, so that overlays on every host name their backing file alike: `../_base/<sha512>`. */
export const CACHE_FOLDER = '_base';

/** A file of the cache has the digest of its own bytes as its name. */
export const SHA512 = /^[0-9a-f]{128}$/;

import type { IncomingMessage } from 'node:http';

/** The APIs that share this process. Each has its own envelope for errors and its own headers. */
export type Surface = 'compute' | 'identity' | 'image' | 'drover';

/** Where a compute request came in; its links and its checks depend on it. */
export interface Mount {
  /** '' at the root, '/compute' behind that prefix: what stands before `/v2.1` in links. */
  readonly prefix: string;
  /** `v2.1`, or `v2` for the legacy mount that knows no microversions. */
  readonly version: 'v2.1' | 'v2';
  /** `/v2.1/{project_id}/…`: must be the token's project. */
  readonly url_project_id: string | null;
}

const rootMount: Mount = { prefix: '', version: 'v2.1', url_project_id: null };
const mounts = new WeakMap<IncomingMessage, Mount>();

/** The mount that `rewriteUrl` found for this request. */
export function mountOf(raw: IncomingMessage): Mount {
  return mounts.get(raw) ?? rootMount;
}

/** Which API answers a path (after `rewriteUrl`). Everything that is no other API's is compute's. */
export function surfaceOf(url: string): Surface {
  if (/^\/identity(?:[/?]|$)/.test(url)) return 'identity';
  if (/^\/image(?:[/?]|$)/.test(url)) return 'image';
  if (/^\/drover(?:[/?]|$)/.test(url)) return 'drover';
  return 'compute';
}

/**
 * Compute is served under many roots but its routes are registered once, under /v2.1: this maps
 * `/compute/v2.1/…`, `/v2/…` and `/v2.1/{project_id}/…` onto it and remembers what it cut off.
 * Nova's pattern for a project id in the path is `[0-9a-f-]+`; no resource's name matches it.
 */
export function rewriteUrl(raw: IncomingMessage): string {
  const url = raw.url ?? '/';
  const at = url.search(/[?#]/);
  const path = decodablePath(at < 0 ? url : url.slice(0, at));
  const rest = at < 0 ? '' : url.slice(at);
  if (surfaceOf(url) !== 'compute') return path + rest;
  const prefix = /^\/compute(?:\/|$)/.test(path) ? '/compute' : '';
  const inner = path.slice(prefix.length);
  const found = /^\/(v2\.1|v2)(?:\/([0-9a-f-]+)(?=\/))?(\/.*)?$/s.exec(inner);
  if (found === null) {
    mounts.set(raw, { ...rootMount, prefix });
    return (inner === '' ? '/' : inner) + rest;
  }
  const version = found[1] === 'v2' ? 'v2' : 'v2.1';
  mounts.set(raw, { prefix, version, url_project_id: found[2] ?? null });
  return `/v2.1${found[3] ?? ''}${rest}`;
}

/** A path that cannot be decoded is taken literally: it then names nothing, in the words of its API. */
function decodablePath(path: string): string {
  try {
    decodeURIComponent(path);
    return path;
  } catch {
    return path.replaceAll('%', '%25');
  }
}

/** True for `/v2.1` and everything below it: what needs a token and has microversions. */
export function isVersionedCompute(url: string): boolean {
  return /^\/v2\.1(?:[/?]|$)/.test(url);
}

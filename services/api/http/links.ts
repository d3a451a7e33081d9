import type { FastifyRequest } from 'fastify';

export interface Link {
  readonly rel: string;
  readonly href: string;
}

/**
 * Scheme, host and port that the client used, without a path. The Host header is only believed when it looks
 * like one, because it is repeated in answers.
 */
export function publicRoot(request: FastifyRequest, link_prefix: string | null = null): string {
  if (link_prefix !== null && link_prefix !== '') return link_prefix.replace(/\/+$/, '');
  const host = request.headers.host ?? '';
  return /^[A-Za-z0-9._-]+(?::\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](?::\d{1,5})?$/.test(host)
    ? `${request.protocol}://${host}`
    : 'http://localhost';
}

export interface LinkMaker {
  /** `http://host/v2.1[/project]/servers/ID` */
  readonly self: (...path: readonly string[]) => string;
  /** `http://host[/project]/servers/ID`: the version-free form. */
  readonly bookmark: (...path: readonly string[]) => string;
  /** Both, as most resources show them. */
  readonly pair: (...path: readonly string[]) => readonly [Link, Link];
}

/** Links of compute resources. They keep the mount (prefix, version, project id) the request came in by. */
export function computeLinks(request: FastifyRequest, link_prefix: string | null = null): LinkMaker {
  const { prefix, version, url_project_id } = request.mount;
  const root = `${publicRoot(request, link_prefix)}${prefix}`;
  const project = url_project_id === null ? '' : `/${url_project_id}`;
  const join = (path: readonly string[]) => path.map((part) => `/${part}`).join('');
  const self = (...path: readonly string[]) => `${root}/${version}${project}${join(path)}`;
  const bookmark = (...path: readonly string[]) => `${root}${project}${join(path)}`;
  return {
    self,
    bookmark,
    pair: (...path) => [
      { rel: 'self', href: self(...path) },
      { rel: 'bookmark', href: bookmark(...path) },
    ],
  };
}

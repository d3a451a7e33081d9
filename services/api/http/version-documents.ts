import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { publicRoot } from './links.ts';
import { versionMax, versionMin } from './microversion.ts';

/** Nova's version documents. Dates and media types are constants that clients compare (facts document, section 1.1). */
const legacy = {
  id: 'v2.0',
  status: 'SUPPORTED',
  version: '',
  min_version: '',
  updated: '2011-01-21T11:33:21Z',
};
const current = {
  id: 'v2.1',
  status: 'CURRENT',
  version: versionMax,
  min_version: versionMin,
  updated: '2013-07-23T11:33:21Z',
};

const mediaType = (version: string) => [
  { base: 'application/json', type: `application/vnd.openstack.compute+json;version=${version}` },
];

const rootOf = (request: FastifyRequest) => `${publicRoot(request)}${request.mount.prefix}`;

/** `/` : all versions, without a token. */
export function registerVersionList(app: FastifyInstance): void {
  app.get('/', { config: { public: true } }, (request) => {
    const link = (version: string) => [{ rel: 'self', href: `${rootOf(request)}/${version}/` }];
    return {
      versions: [
        { ...legacy, links: link('v2') },
        { ...current, links: link('v2.1') },
      ],
    };
  });
}

/** `/v2.1` and `/v2.1/` (and v2): one version, without a token and never a redirect; SDKs start here. */
export function registerVersionDocument(app: FastifyInstance): void {
  const answer = (request: FastifyRequest) => {
    const { version } = request.mount;
    return {
      version: {
        ...(version === 'v2' ? legacy : current),
        links: [
          { rel: 'self', href: `${rootOf(request)}/${version}/` },
          { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' },
        ],
        'media-types': mediaType(version === 'v2' ? '2' : '2.1'),
      },
    };
  };
  // Nova's answer to HEAD has the headers too, hence the option that is off everywhere else.
  app.get('/', { config: { public: true }, exposeHeadRoute: true, prefixTrailingSlash: 'both' }, answer);
}

/** Any other path without a version: 300 with where it might be. */
export function sendVersionChoices(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = (request.url.split('?', 1)[0] ?? '').replace(/\/+$/, '');
  const choice = (version: 'v2' | 'v2.1', id: string, status: string, media: string) => ({
    id,
    status,
    links: [{ rel: 'self', href: `${rootOf(request)}/${version}${path}` }],
    'media-types': mediaType(media),
  });
  return reply.code(300).send({
    choices: [choice('v2', 'v2.0', 'SUPPORTED', '2'), choice('v2.1', 'v2.1', 'CURRENT', '2.1')],
  });
}

import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { mountOf, rewriteUrl, surfaceOf } from '../../../../services/api/http/surface.ts';

const project = '83c05bd490164d099a68244f1e82447b';

describe('roots of the APIs', () => {
  test.each([
    ['/', '/', '', 'v2.1', null],
    ['/compute', '/', '/compute', 'v2.1', null],
    ['/compute/', '/', '/compute', 'v2.1', null],
    ['/v2.1', '/v2.1', '', 'v2.1', null],
    ['/v2.1/', '/v2.1/', '', 'v2.1', null],
    ['/v2/', '/v2.1/', '', 'v2', null],
    ['/v2.1/servers?a=/v2/b', '/v2.1/servers?a=/v2/b', '', 'v2.1', null],
    ['/compute/v2.1/servers', '/v2.1/servers', '/compute', 'v2.1', null],
    [`/v2.1/${project}/servers/x`, '/v2.1/servers/x', '', 'v2.1', project],
    [`/compute/v2/${project}/flavors?x=1`, '/v2.1/flavors?x=1', '/compute', 'v2', project],
    ['/v2.1/flavors/42', '/v2.1/flavors/42', '', 'v2.1', null],
    ['/v3/', '/v3/', '', 'v2.1', null],
    ['/v2.10/servers', '/v2.10/servers', '', 'v2.1', null],
    ['/computer', '/computer', '', 'v2.1', null],
    ['/identity/v3', '/identity/v3', '', 'v2.1', null],
    ['/v2.1/servers/%zz', '/v2.1/servers/%25zz', '', 'v2.1', null],
  ] as const)('%s', (url, rewritten, prefix, version, url_project_id) => {
    const raw = { url } as IncomingMessage;
    expect(rewriteUrl(raw)).toBe(rewritten);
    expect(mountOf(raw)).toEqual({ prefix, version, url_project_id });
  });

  test.each([
    ['/identity', 'identity'],
    ['/identity/v3', 'identity'],
    ['/identity?x', 'identity'],
    ['/identityx', 'compute'],
    ['/image/v2', 'image'],
    ['/images', 'compute'],
    ['/drover/v1', 'drover'],
    ['/v2.1/identity', 'compute'],
  ])('%s is %s', (url, surface) => {
    expect(surfaceOf(url)).toBe(surface);
  });
});

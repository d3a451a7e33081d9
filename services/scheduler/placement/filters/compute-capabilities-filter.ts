import type { HostClass } from '../host-class.ts';
import type { Verdict } from '../decision.ts';
import type { HostState } from '../model.ts';
import { satisfies, textOf } from './extra-spec-operators.ts';
import { oncePer, pass, reject, type Filter } from './filter.ts';
import { hostAttribute, isHostAttribute, isClassAttribute } from './host-attributes.ts';

interface Wanted {
  readonly key: string;
  readonly path: readonly string[];
  readonly spec: string;
}

/**
 * Every extra spec `capabilities:path`, and every un-namespaced one that names an attribute of the host, must
 * match the host's value. Other namespaces belong to other filters.
 */
export const ComputeCapabilitiesFilter: Filter = {
  name: 'ComputeCapabilitiesFilter',
  prepare: ({ request }) => {
    const wanted: Wanted[] = [];
    for (const [key, spec] of Object.entries(request.flavor.extra_specs)) {
      const path = key.split(':');
      if (path.length === 1) {
        if (isHostAttribute(key)) wanted.push({ key, path, spec });
      } else if (path[0] === 'capabilities') {
        wanted.push({ key, path: path.slice(1), spec });
      }
    }
    if (wanted.length === 0) return null;
    const check = (host: HostState | HostClass): Verdict => {
      for (const { key, path, spec } of wanted) {
        const have = hostAttribute(host, path);
        if (have === undefined)
          return reject('capability_missing', `reports no ${path.join(':')}`, { asked: spec });
        if (!satisfies(have, spec)) {
          return reject('capability_mismatch', `has {available} where ${key} asks for {asked}`, {
            asked: spec,
            available: textOf(have),
          });
        }
      }
      return pass;
    };
    const by_class = wanted.every(({ path }) => isClassAttribute(path[0] ?? ''));
    if (!by_class) return { reads: 'host', check };
    const read = new Set(wanted.map(({ path }) => path[0] ?? ''));
    const [only = ''] = read;
    return {
      reads: 'class',
      check: read.size === 1 ? oncePer((host) => hostAttribute(host, [only]), check) : check,
    };
  },
};

import type { HostClass } from '../host-class.ts';
import type { Verdict } from '../decision.ts';
import { oncePer, pass, reject, type Filter } from './filter.ts';
import { architectureOf, hypervisorTypeOf, vmModeOf } from './image-vocabulary.ts';
import { versionMatches } from './version-predicate.ts';

/**
 * The image's architecture, hypervisor type and vm mode must be one of the host's supported triples, and its
 * `img_hv_requested_version` must hold for the host's hypervisor. Properties in their old names count too.
 */
export const ImagePropertiesFilter: Filter = {
  name: 'ImagePropertiesFilter',
  prepare: ({ request, settings }) => {
    const properties = request.image_properties;
    const architecture =
      architectureOf(properties) ?? settings.filter_scheduler.image_properties_default_architecture;
    const hypervisor = hypervisorTypeOf(properties);
    const mode = vmModeOf(properties);
    const version =
      properties['img_hv_requested_version'] ?? properties['hypervisor_version_requires'] ?? null;
    // As in Nova, a requested version counts only beside one of the three.
    if (architecture === null && hypervisor === null && mode === null) return null;
    const wanted = [architecture, hypervisor, mode];
    const asked = wanted.filter((part) => part !== null).join(', ');
    const check = (host: HostClass): Verdict => {
      const supported = host.supported_instances.some((triple) =>
        wanted.every((part, index) => part === null || part === triple[index]),
      );
      if (!supported) {
        const available = host.supported_instances.map((triple) => triple.join('/')).join(' ');
        return reject('image_unsupported', 'cannot run images of {asked}; it runs {available}', {
          asked,
          available: available === '' ? 'nothing' : available,
        });
      }
      if (version !== null && !versionMatches(host.hypervisor_version, version)) {
        return reject(
          'hypervisor_version',
          'runs hypervisor version {available}, the image asks for {asked}',
          {
            asked: version,
            available: String(host.hypervisor_version),
          },
        );
      }
      return pass;
    };
    return {
      reads: 'class',
      check: version === null ? oncePer((host) => host.supported_instances, check) : check,
    };
  },
};

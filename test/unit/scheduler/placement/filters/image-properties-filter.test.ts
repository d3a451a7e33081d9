import { describe } from 'vitest';
import { ImagePropertiesFilter } from '../../../../../services/scheduler/placement/filters/image-properties-filter.ts';
import { host, request, settings } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

describe('ImagePropertiesFilter', () => {
  checkFilter(ImagePropertiesFilter, {
    'passes all when the image asks nothing': {
      hosts: [host('a').with({ supported_instances: [] })],
      passes: ['a'],
    },
    'compares architecture, hypervisor and mode': {
      hosts: [host('x86'), host('arm').with({ supported_instances: [['aarch64', 'kvm', 'hvm']] })],
      request: request().image({ hw_architecture: 'x86_64', img_hv_type: 'kvm', hw_vm_mode: 'hvm' }),
      passes: ['x86'],
      rejects: { arm: 'cannot run images of x86_64, kvm, hvm; it runs aarch64/kvm/hvm' },
    },
    'wants all three in one triple': {
      hosts: [
        host('a').with({
          supported_instances: [
            ['x86_64', 'xen', 'xen'],
            ['i686', 'kvm', 'hvm'],
          ],
        }),
      ],
      request: request().image({ hw_architecture: 'x86_64', hw_vm_mode: 'hvm' }),
      passes: [],
    },
    'folds other names of an architecture': {
      hosts: [host('a')],
      request: request().image({ architecture: 'AMD64' }),
      passes: ['a'],
    },
    'assumes the configured architecture': {
      hosts: [host('x86'), host('arm').with({ supported_instances: [['aarch64', 'kvm', 'hvm']] })],
      settings: settings({ image_properties_default_architecture: 'aarch64' }),
      passes: ['arm'],
    },
    'rejects hosts that report nothing': {
      hosts: [host('a').with({ supported_instances: [] })],
      request: request().image({ img_hv_type: 'kvm' }),
      passes: [],
      rejects: { a: 'it runs nothing' },
    },
    'compares the version of the hypervisor': {
      hosts: [host('a'), host('b').with({ hypervisor_version: 6_000_000 })],
      request: request().image({ img_hv_type: 'kvm', img_hv_requested_version: '>=7.0, <9' }),
      passes: ['a'],
      rejects: { b: 'runs hypervisor version 6000000, the image asks for >=7.0, <9' },
    },
    'counts a version only beside one of the three': {
      hosts: [host('a')],
      request: request().image({ img_hv_requested_version: '>=99' }),
      passes: ['a'],
    },
    'a version that cannot be read fits nowhere': {
      hosts: [host('a')],
      request: request().image({ img_hv_type: 'kvm', img_hv_requested_version: 'new' }),
      passes: [],
    },
  });
});

import { describe } from 'vitest';
import { ImagePropertiesWeigher } from '../../../../../services/scheduler/placement/weighers/image-properties-weigher.ts';
import { host, request, settings } from '../builders.ts';
import { checkWeigher } from '../check-weigher.ts';

describe('ImagePropertiesWeigher', () => {
  checkWeigher(ImagePropertiesWeigher, {
    'off by default': {
      hosts: [host('a').instance('1', { os: 'linux' }), host('b')],
      request: request().image({ os: 'linux' }),
      weights: [0, 0],
    },
    'servers with the same properties': {
      hosts: [
        host('a').instance('1', { os: 'linux', arch: 'x' }).instance('2', { os: 'linux' }),
        host('b').instance('3', { os: 'windows' }),
      ],
      request: request().image({ os: 'linux', arch: 'x' }),
      settings: settings({ image_props_weight_multiplier: 1 }),
      raw: [3, 0],
      weights: [1, 0],
    },
    'only the properties of the setting, times their ratio': {
      hosts: [host('a').instance('1', { os: 'linux', arch: 'x' }), host('b').instance('2', { arch: 'x' })],
      request: request().image({ os: 'linux', arch: 'x' }),
      settings: settings({ image_props_weight_multiplier: 1, image_props_weight_setting: ['os=2'] }),
      raw: [2, 0],
      weights: [1, 0],
    },
  });
});

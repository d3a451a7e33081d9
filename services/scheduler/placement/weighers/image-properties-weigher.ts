import { metricsSetting } from '../metrics-setting.ts';
import type { Weigher } from './weigher.ts';

/**
 * Hosts with more servers whose images have the same properties. Each property of the image counts once for each server
 * that has the same value, times its ratio in `image_props_weight_setting`; an empty setting counts every property as 1.
 */
export const ImagePropertiesWeigher: Weigher = {
  name: 'ImagePropertiesWeigher',
  multiplier: ({ filter_scheduler }) => filter_scheduler.image_props_weight_multiplier,
  aggregate_key: 'image_props_weight_multiplier',
  prepare: ({ request, settings }) => {
    const setting = metricsSetting(settings.filter_scheduler.image_props_weight_setting);
    const ratioOf = (name: string): number =>
      setting.length === 0 ? 1 : (setting.find((entry) => entry.name === name)?.ratio ?? 0);
    const wanted = Object.entries(request.image_properties)
      .map(([name, value]) => ({ name, value, ratio: ratioOf(name) }))
      .filter(({ ratio }) => ratio !== 0);
    if (wanted.length === 0) return null;
    return {
      reads: 'host',
      raw: (host) => {
        let sum = 0;
        for (const { image_properties } of host.instances.values()) {
          for (const { name, value, ratio } of wanted) if (image_properties[name] === value) sum += ratio;
        }
        return sum;
      },
    };
  },
};

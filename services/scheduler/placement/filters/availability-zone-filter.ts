import { oncePer, pass, reject, type Filter } from './filter.ts';

/** The host is in the zone that was asked for. A host without a zone of its own is in the default one. */
export const AvailabilityZoneFilter: Filter = {
  name: 'AvailabilityZoneFilter',
  prepare: ({ request }) => {
    const asked = request.availability_zone;
    if (asked === null) return null;
    return {
      reads: 'class',
      check: oncePer(
        (host) => host.availability_zone,
        ({ availability_zone }) =>
          availability_zone === asked
            ? pass
            : reject('wrong_zone', 'is in availability zone {available}, asked for {asked}', {
                asked,
                available: availability_zone,
              }),
      ),
    };
  },
};

/** A decision with a host, as the API answers, and what a person sees of it. */
export const found = {
  id: 'd1',
  summary: 'c4, of 5 hosts.',
  chosen_host: 'c4',
  alternates: ['c1'],
  hosts_considered: 5,
  hosts_weighed: 3,
  reasons: [{ filter: 'RamFilter', code: 'short', hosts: 2, example: 'short of 2048 MB at best' }],
  nearest_miss: null,
  warnings: ['aggregate 3: cpu_weight_multiplier "x" is not a number'],
  hosts: [
    { host: 'c4', verdict: 'chosen', weight: 2.996, reason: 'RAMWeigher +2.00, CPUWeigher +1.00' },
    { host: 'c9', verdict: 'refused', weight: 3, reason: 'when it was to be claimed, it was disabled' },
    { host: 'c1', verdict: 'alternate', weight: 0.5, reason: 'RAMWeigher +0.50' },
    { host: 'c2', verdict: 'rejected', weight: null, reason: 'RamFilter: short of 2048 MB' },
  ],
  hosts_left_out: 1,
};

export const foundText = `\
+------+-----------+--------+--------------------------------------------+
| Host | Verdict   | Weight | Reason                                     |
+------+-----------+--------+--------------------------------------------+
| c4   | chosen    | 3.00   | RAMWeigher +2.00, CPUWeigher +1.00         |
| c9   | refused   | 3.00   | when it was to be claimed, it was disabled |
| c1   | alternate | 0.50   | RAMWeigher +0.50                           |
| c2   | rejected  |        | RamFilter: short of 2048 MB                |
+------+-----------+--------+--------------------------------------------+
Chosen: c4; 3 of 5 hosts passed every filter.
Rejected: 2 by RamFilter (short of 2048 MB at best).
1 more host not shown; see --hosts.
Warning: aggregate 3: cpu_weight_multiplier "x" is not a number
`;

/** One without. */
export const none = {
  ...found,
  summary: 'No valid host was found. 1 of 1 host: RamFilter (short of 2048 MB) 1',
  chosen_host: null,
  alternates: [],
  hosts_considered: 1,
  hosts_weighed: 0,
  reasons: [{ filter: 'RamFilter', code: 'short', hosts: 1, example: 'short of 2048 MB' }],
  nearest_miss: 'host c2 lacks 2,048 MB of RAM',
  warnings: [],
  hosts: [{ host: 'c2', verdict: 'rejected', weight: null, reason: 'RamFilter: short of 2048 MB' }],
  hosts_left_out: 0,
};

export const noneText = `\
+------+----------+--------+-----------------------------+
| Host | Verdict  | Weight | Reason                      |
+------+----------+--------+-----------------------------+
| c2   | rejected |        | RamFilter: short of 2048 MB |
+------+----------+--------+-----------------------------+
Chosen: none of 1 host.
Rejected: 1 by RamFilter (short of 2048 MB).
Nearest miss: host c2 lacks 2,048 MB of RAM.
`;

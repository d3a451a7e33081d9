/** One `name=ratio` of an option such as `[metrics] weight_setting`. */
export interface RatioSetting {
  readonly name: string;
  readonly ratio: number;
}

/** Reads `name=ratio` entries; like Nova, leaves out those that cannot be read. */
export function metricsSetting(entries: readonly string[]): readonly RatioSetting[] {
  return entries.flatMap((entry) => {
    const [, name, ratio] = /^\s*([^=\s]+)\s*=\s*(\S+)\s*$/.exec(entry) ?? [];
    const number = Number(ratio);
    return name === undefined || Number.isNaN(number) ? [] : [{ name, ratio: number }];
  });
}

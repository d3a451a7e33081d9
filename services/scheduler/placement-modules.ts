import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DroverError } from '../../shared/errors/drover-error.ts';
import type { Filter } from './placement/filters/filter.ts';
import { filters } from './placement/filters/registry.ts';
import { weighers } from './placement/weighers/registry.ts';
import type { Weigher } from './placement/weighers/weigher.ts';

/** What a site's own modules bring: filters, to be enabled by name, and weighers, which `all_weighers` includes. */
export interface SiteRules {
  readonly site_filters: readonly Filter[];
  readonly site_weighers: readonly Weigher[];
}

/**
 * Imports the modules that the configuration names: absolute paths, or paths from the working directory. A module may
 * export any number of filters and weighers, under any names.
 *
 * @throws DroverError `placement_module_invalid` for a module that cannot be imported, exports neither, or takes the name
 *   of one of Drover's own
 */
export async function loadPlacementModules(paths: readonly string[]): Promise<SiteRules> {
  const site_filters: Filter[] = [];
  const site_weighers: Weigher[] = [];
  const names = new Set([...filters.keys(), ...weighers.keys()]);
  for (const module of paths) {
    const exported = await importModule(module);
    const found = exported.filter((value) => isFilter(value) || isWeigher(value));
    if (found.length === 0) throw invalid(module, 'it exports no filter and no weigher');
    for (const value of found) {
      if (names.has(value.name)) throw invalid(module, `there is a ${value.name} already`);
      names.add(value.name);
      if (isWeigher(value)) site_weighers.push(value);
      else site_filters.push(value);
    }
  }
  return { site_filters, site_weighers };
}

async function importModule(module: string): Promise<readonly unknown[]> {
  try {
    return Object.values((await import(pathToFileURL(resolve(module)).href)) as Record<string, unknown>);
  } catch (error) {
    throw invalid(module, error instanceof Error ? error.message : String(error), error);
  }
}

function isFilter(value: unknown): value is Filter {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'prepare' in value &&
    typeof value.prepare === 'function'
  );
}

/** A weigher is what a filter is, and has a multiplier. */
function isWeigher(value: unknown): value is Weigher {
  return isFilter(value) && 'multiplier' in value && typeof value.multiplier === 'function';
}

function invalid(module: string, problem: string, cause?: unknown): DroverError {
  return new DroverError('placement_module_invalid', { module, problem }, { cause });
}

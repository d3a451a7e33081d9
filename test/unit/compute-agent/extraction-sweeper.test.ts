import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ExtractionSweeper } from '../../../services/compute-agent/images/extraction-sweeper.ts';
import { sampleSpec } from './samples.ts';

const HOUR_SECONDS = 3600;
let instances_path: string;
beforeEach(() => {
  instances_path = mkdtempSync(join(tmpdir(), 'extractions-'));
});
afterEach(() => rmSync(instances_path, { recursive: true }));

const { id } = sampleSpec();
const extraction = `.${id}.extracting.0123456789ab`;

/** A folder with a file, both last written so long ago. */
function place(name: string, ages: { readonly folder_hours: number; readonly file_hours: number }): void {
  const folder = join(instances_path, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'image'), 'image');
  const ago = (hours: number) => Date.now() / 1000 - hours * HOUR_SECONDS;
  utimesSync(join(folder, 'image'), ago(ages.file_hours), ago(ages.file_hours));
  utimesSync(folder, ago(ages.folder_hours), ago(ages.folder_hours));
}

const sweep = (isBusy = false) =>
  new ExtractionSweeper({
    instances_path,
    isBusy: (asked) => isBusy && asked === id,
    log: pino({ level: 'silent' }),
    kept_seconds: 6 * HOUR_SECONDS,
  }).sweepOnce();

test.each([
  ['old', { folder_hours: 7, file_hours: 7 }, []],
  ['young', { folder_hours: 5, file_hours: 5 }, [extraction]],
  ['still written', { folder_hours: 7, file_hours: 1 }, [extraction]],
  ['just finished', { folder_hours: 1, file_hours: 7 }, [extraction]],
])('an extracted disk that is %s', async (_, ages, left) => {
  place(extraction, ages);
  await sweep();
  expect(readdirSync(instances_path)).toEqual(left);
});

test('one that a command is at work with stays', async () => {
  place(extraction, { folder_hours: 7, file_hours: 7 });
  await sweep(true);
  expect(readdirSync(instances_path)).toEqual([extraction]);
  await sweep();
  expect(readdirSync(instances_path)).toEqual([]);
});

test('nothing else is touched, however old', async () => {
  const others = [
    id,
    `${id}.staging`,
    `.${id}.making.0123456789ab`,
    `.${id}.extracting`,
    '.extracting.0123456789ab',
  ];
  for (const name of others) place(name, { folder_hours: 1000, file_hours: 1000 });
  await sweep();
  expect(readdirSync(instances_path).sort()).toEqual(others.toSorted());
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfiguration } from '../../../shared/config/configuration.ts';
import { redacted, redactSecret } from '../../../shared/config/redacted.ts';
import { isDroverError } from '../../../shared/errors/drover-error.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
function fileOf(text: string): string {
  const file = join(folder, `${(count += 1)}.conf`);
  writeFileSync(file, text);
  return file;
}

function load(...texts: string[]) {
  const warnings: string[] = [];
  const configuration = loadConfiguration(
    texts.map((text) => fileOf(text)),
    { warn: (message) => warnings.push(message) },
  );
  return { configuration, warnings };
}

function mistakesOf(...texts: string[]): string {
  try {
    load(...texts);
  } catch (error) {
    if (isDroverError(error, 'configuration_invalid')) return error.message.replaceAll(`${folder}/`, '');
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('limits by day and time', () => {
  test('are read whole, and empty when unset', () => {
    expect(load().configuration.mover.limits).toEqual([]);
    const { mover } = load('[mover]\nlimits = mon 08:00-18:00 1MiB/s; daily 00:00-24:00 0').configuration;
    expect(mover.limits).toHaveLength(2);
  });

  test('that are wrong stop the start with what was found and an example', () => {
    expect(mistakesOf('[mover]\nlimits = mon 08:00-25:00 1MiB/s')).toMatch(
      /conf:2: \[mover\] limits is "mon 08:00-25:00 1MiB\/s", but must be .*"mon-fri 08:00-18:00 100MiB\/s; .*: entry 1 .*"25:00" is no time of day/,
    );
    expect(mistakesOf('[mover]\nlimits_time_zone = Mars/Olympus')).toMatch(/such as Europe\/Berlin/);
  });
});

describe('values', () => {
  test('without a file everything has its default', () => {
    const { configuration } = load();
    expect(configuration.DEFAULT).toMatchObject({
      report_interval: 10,
      service_down_time: 60,
      resize_confirm_window: 0,
      cpu_allocation_ratio: null,
      initial_cpu_allocation_ratio: 16,
      instances_path: '/var/lib/drover/instances',
    });
    expect(configuration.filter_scheduler.enabled_filters).toHaveLength(5);
    expect(configuration.scheduler.max_attempts).toBe(3);
  });

  test.each([
    ['[mover]\nlimit_bytes_per_second = 100MB', 'mover', 'limit_bytes_per_second', 100_000_000],
    ['[mover]\nlimit_bytes_per_second = 1.5 GiB', 'mover', 'limit_bytes_per_second', 1_610_612_736],
    ['[mover]\nlimit_bytes_per_second = 64M', 'mover', 'limit_bytes_per_second', 67_108_864],
    ['[mover]\nstall_timeout_seconds = 2m', 'mover', 'stall_timeout_seconds', 120],
    ['[drover]\nmetrics_listen = 127.0.0.1:65535', 'drover', 'metrics_listen', '127.0.0.1:65535'],
    ['[drover]\nmetrics_listen = [::1]:0', 'drover', 'metrics_listen', '[::1]:0'],
    ['[DEFAULT]\nreport_interval = 500ms', 'DEFAULT', 'report_interval', 0.5],
    ['[DEFAULT]\nallow_resize_to_same_host = Yes', 'DEFAULT', 'allow_resize_to_same_host', true],
    ['[DEFAULT]\ncpu_allocation_ratio =', 'DEFAULT', 'cpu_allocation_ratio', null],
    ['[DEFAULT]\ncpu_allocation_ratio = 4.0', 'DEFAULT', 'cpu_allocation_ratio', 4],
    [
      '[filter_scheduler]\nio_ops_weight_multiplier = -2e1',
      'filter_scheduler',
      'io_ops_weight_multiplier',
      -20,
    ],
    [
      '[filter_scheduler]\nenabled_filters = A,\n  B ,,C',
      'filter_scheduler',
      'enabled_filters',
      ['A', 'B', 'C'],
    ],
    [
      '[filter_scheduler]\nenabled_filters = A\nenabled_filters = B',
      'filter_scheduler',
      'enabled_filters',
      ['B'],
    ],
    ['[fake]\nfail = copy\nfail = adopt=2', 'fake', 'fail', ['copy', 'adopt=2']],
    ['[DEFAULT]\nstate_path = /srv', 'DEFAULT', 'instances_path', '/srv/instances'],
    [
      '[DEFAULT]\nstate_path = /srv\n[image]\nstore_path = ${DEFAULT.state_path}/i',
      'image',
      'store_path',
      '/srv/i',
    ],
    [
      '[database]\nconnection = postgresql://u:a$$b#c@h/d',
      'database',
      'connection',
      'postgresql://u:a$b#c@h/d',
    ],
  ] as const)('%j', (text, section, name, expected) => {
    expect((load(text).configuration[section] as Record<string, unknown>)[name]).toEqual(expected);
  });

  test('a later file wins, and repeated options add up over files', () => {
    const { configuration } = load(
      '[DEFAULT]\nhost = a\n[fake]\nfail = x',
      '[DEFAULT]\nhost = b\n[fake]\nfail = y',
    );
    expect(configuration.DEFAULT.host).toBe('b');
    expect(configuration.fake.fail).toEqual(['x', 'y']);
  });

  test('relative paths are taken from the folder of the file', () => {
    const { configuration } = load('[oslo_policy]\npolicy_file = p.yaml');
    expect(configuration.oslo_policy).toMatchObject({
      policy_file: join(folder, 'p.yaml'),
      policy_dirs: [join(folder, 'policy.d')],
    });
  });

  test('service_down_time must exceed report_interval', () => {
    const { configuration, warnings } = load('[DEFAULT]\nreport_interval = 30\nservice_down_time = 30');
    expect(configuration.DEFAULT.service_down_time).toBe(75);
    expect(warnings).toHaveLength(1);
  });

  test('overrides win and are checked', () => {
    const load = (max_attempts: number) =>
      loadConfiguration([], { overrides: { scheduler: { max_attempts } } });
    expect(load(7).scheduler.max_attempts).toBe(7);
    expect(() => load(0)).toThrow(/at least 1/);
  });
});

describe('mistakes', () => {
  test.each([
    [
      '[DEFAULT]\nreport_intervall = 3',
      /:2: unknown option "report_intervall" .* did you mean "report_interval"/,
    ],
    [
      '[filterscheduler]\na = 1',
      /:2: unknown section \[filterscheduler\]; did you mean \[filter_scheduler\]/,
    ],
    ['[DEFAULT]\nstall_timeout_seconds = 3', /:2: .* it belongs into \[mover\]/],
    [
      '[mover]\n\nssh_port = 70000',
      /:3: \[mover\] ssh_port is "70000", but must be a whole number, 1 to 65535/,
    ],
    ['[mover]\nssh_port = 2x', /:2: .*"2x"/],
    [
      '[drover]\nmetrics_listen = 127.0.0.1:65536',
      /:2: \[drover\] metrics_listen is "127\.0\.0\.1:65536", but must be address:port, .* a port of at most 65535/,
    ],
    ['[drover]\nmetrics_listen = [::1]:99999', /a port of at most 65535/],
    ['[drover]\nmetrics_listen = ::1:9100', /an IPv6 address in brackets/],
    ['[drover]\nmetrics_listen = 9100', /must be address:port/],
    ['[mover]\ndefault_mode = hot', /one of: cold, warm/],
    ['[DEFAULT]\nmy_ip = 10.0.0', /must be an IP address/],
    ['[DEFAULT]\ndebug = maybe', /must be true or false/],
    ['[DEFAULT]\nstate_path = $nothing/x', /:2: "\$nothing" refers to an option that does not exist/],
    ['[DEFAULT]\nstate_path = $instances_path', /circle/],
  ])('%j', (text, message) => {
    expect(mistakesOf(text)).toMatch(message);
  });

  test('all are told at once', () => {
    const message = mistakesOf('[DEFAULT]\nfoo_bar_baz = 1\nmy_ip = x\n[mover]\nssh_port = 0');
    expect(message).toMatch(/3 mistake/);
    expect(message.split('\n')).toHaveLength(4);
  });

  test('a secret is not shown', () => {
    expect(mistakesOf('[DEFAULT]\ntransport_url = http://u:hidden@h')).not.toContain('hidden');
  });

  test('a file that is not there', () => {
    expect(() => loadConfiguration([join(folder, 'gone.conf')])).toThrow(/gone.conf cannot be read/);
  });
});

test("a nova.conf's other options are accepted with one warning that names them", () => {
  const { warnings } = load(
    '[DEFAULT]\nvif_plugging_timeout = 300\nmy_ip = 10.0.0.1\n[placement]\npassword = hidden\n[libvirt]\ncpu_mode = host-model',
  );
  expect(warnings).toEqual([
    'Options known to Nova that Drover does not use have no effect: ' +
      '[DEFAULT] vif_plugging_timeout, [placement] password, [libvirt] cpu_mode',
  ]);
});

describe('redaction', () => {
  test.each([
    ['rabbit://u:p@h:1/v', 'rabbit://u:***@h:1/v'],
    ['rabbit://u:p@h1,u:q@h2/v', 'rabbit://u:***@h1,u:***@h2/v'],
    ['postgresql://u:p@ss/w#rd@h/d', 'postgresql://u:***@h/d'],
    ['postgresql://u@h/d?password=p', 'postgresql://u@h/d?***'],
    ['rabbit://u:p,p@h/v', 'rabbit://***'],
    ['postgresql://h/d', 'postgresql://h/d'],
    ['secret', '***'],
  ])('%s', (text, expected) => expect(redactSecret(text)).toBe(expected));

  test('of a whole configuration', () => {
    const { configuration } = load('[DEFAULT]\ntransport_url = rabbit://u:hidden@h/');
    expect(JSON.stringify(redacted(configuration))).not.toContain('hidden');
    expect(redacted(configuration)['DEFAULT']).toMatchObject({ report_interval: 10 });
  });
});

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readQcow2Header, writeBackingFile } from '../../../services/compute-agent/images/qcow2-header.ts';
import { newMigrationId, sampleSpec } from '../../unit/compute-agent/samples.ts';
import { asked, COW, folder, qcow2, useImageService } from './support/image-service.ts';
import { TestHost } from './test-host.ts';

useImageService();

test('an overlay moves without its image: the target fetches it before the guest is touched', async () => {
  const source = await TestHost.open({ folder, name: 'source', settings: COW });
  const target = await TestHost.open({ folder, name: 'target', settings: COW, mover: source.mover });
  try {
    const spec = sampleSpec(undefined, qcow2);
    const subject = { instance_id: spec.id, migration_id: newMigrationId() };
    const [here, there] = [source.operation(subject), target.operation(subject)];
    await source.operation({ ...subject, migration_id: null }).run('spawn', { spec }, 1);
    const { disks, public_key, source_address } = (await here.run('survey', {}, 1)).result;
    const order = { spec, disks, public_key, source_address, expires_in_seconds: 60 };
    const { endpoint } = (await there.run('admit', order, 1)).result;
    expect(asked).toEqual(['/qcow2', '/qcow2']);
    await here.run('stop', { shutdown_timeout_seconds: 0 }, 1);
    await here.run('copy', { disks, endpoint, limit_bytes_per_second: 0 }, 1);
    await here.run('retire', {}, 2);
    // As an overlay from elsewhere: adopt gives the backing file the name that it has here.
    await writeBackingFile(
      join(target.instances_path, `${spec.id}.staging`, 'disk'),
      '/elsewhere/a-much-longer-name',
    );
    await there.run('adopt', { spec, power_on: true }, 2);
    const disk = join(target.instances_path, spec.id, 'disk');
    expect(await readQcow2Header(disk)).toMatchObject({ backing_file: `../_base/${qcow2.sha512}` });
    execFileSync('qemu-img', ['check', '-q', disk]);
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
});

test('an overlay that refers to another file than its image is not taken: nothing on the target opens it', async () => {
  const source = await TestHost.open({ folder, name: 'source', settings: COW });
  const target = await TestHost.open({ folder, name: 'target', settings: COW, mover: source.mover });
  try {
    const spec = sampleSpec(undefined, qcow2);
    const subject = { instance_id: spec.id, migration_id: newMigrationId() };
    const [here, there] = [source.operation(subject), target.operation(subject)];
    await source.operation({ ...subject, migration_id: null }).run('spawn', { spec }, 1);
    const { disks, public_key, source_address } = (await here.run('survey', {}, 1)).result;
    const order = { spec, disks, public_key, source_address, expires_in_seconds: 60 };
    const { endpoint } = (await there.run('admit', order, 1)).result;
    await here.run('stop', { shutdown_timeout_seconds: 0 }, 1);
    await here.run('copy', { disks, endpoint, limit_bytes_per_second: 0 }, 1);
    const disk = join(target.instances_path, `${spec.id}.staging`, 'disk');
    const bytes = readFileSync(disk);
    // The header's incompatible features: bit 2 says that the data lies in another file.
    bytes.writeBigUInt64BE(bytes.readBigUInt64BE(72) | 4n, 72);
    writeFileSync(disk, bytes);
    expect(await there.answer('adopt', { spec, power_on: true }, 2)).toMatchObject({
      type: 'step_failed',
      code: 'disk_format_unknown',
      retriable: false,
    });
    expect(await target.hypervisor.describe(spec.id)).toBeNull();
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
});

import { Type } from 'typebox';
import { imageFormats } from '../../../shared/domain/instance-spec.ts';

/** Shapes that several commands' arguments share (shared/messaging/commands.ts says what they mean). */

export const UUID_PATTERN = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
const SHA512_PATTERN = '^[0-9a-f]{128}$';
/** One line of printable ASCII: nothing that could begin another line of a file or another option. */
const ONE_LINE_PATTERN = '^[\\x20-\\x7e]{1,2000}$';

export const Uuid = Type.String({ pattern: UUID_PATTERN });
export const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const Seconds = Type.Number({ minimum: 0 });
export const Nothing = Type.Object({});
const Words = Type.Record(Type.String(), Type.String());
const Format = Type.Union([Type.Literal('raw'), Type.Literal('qcow2')]);
export const ImageFormatName = Type.Union(imageFormats.map((name) => Type.Literal(name)));
export const Sha512 = Type.String({ pattern: SHA512_PATTERN });

const Flavor = Type.Object({
  id: Type.Integer(),
  flavor_id: Type.String(),
  name: Type.String(),
  vcpus: Type.Integer({ minimum: 0 }),
  memory_mb: Type.Integer({ minimum: 0 }),
  root_gb: Type.Integer({ minimum: 0 }),
  ephemeral_gb: Type.Integer({ minimum: 0 }),
  swap_mb: Type.Integer({ minimum: 0 }),
  extra_specs: Words,
});

const ticketed = {
  id: Uuid,
  url: Type.String({ pattern: '^https?://[^\\s]+$' }),
  ticket: Type.String({ pattern: ONE_LINE_PATTERN }),
};
export const UploadTarget = Type.Object(ticketed);

const Image = Type.Object({
  ...ticketed,
  disk_format: Format,
  size_bytes: Bytes,
  sha512: Type.String({ pattern: SHA512_PATTERN }),
});

export const Spec = Type.Object({
  id: Uuid,
  instance_name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$' }),
  display_name: Type.String(),
  project_id: Type.String(),
  user_id: Type.String(),
  flavor: Flavor,
  image: Type.Union([Image, Type.Null()]),
  image_properties: Words,
  metadata: Words,
});

const backingFile = {
  sha512: Type.String({ pattern: SHA512_PATTERN }),
  format: Format,
  size_bytes: Bytes,
  allocated_bytes: Type.Optional(Bytes),
  travels_as: Type.Optional(Type.String({ pattern: SHA512_PATTERN })),
  file_id: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
};
const Backing = Type.Object({
  ...backingFile,
  image_id: Type.String(),
  below: Type.Optional(Type.Array(Type.Object(backingFile), { maxItems: 64 })),
});

const Disk = Type.Object({
  /** A plain file name. `drover.json` and names with a leading dot are the agent's own. */
  name: Type.String({ pattern: '^(?!drover\\.json$)[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' }),
  format: Format,
  virtual_size_bytes: Bytes,
  file_size_bytes: Bytes,
  allocated_bytes: Bytes,
  backing: Type.Union([Backing, Type.Null()]),
});

export const Disks = Type.Array(Disk, { maxItems: 64 });

export const PublicKey = Type.String({
  pattern: '^ssh-ed25519 [A-Za-z0-9+/=]{68}( [A-Za-z0-9._-]{1,200})?$',
});
export const Address = Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}$' });

export const Endpoint = Type.Object({
  address: Type.String({ pattern: '^[A-Za-z0-9.:_-]{1,255}$' }),
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
  user: Type.String({ pattern: '^[a-z_][a-z0-9_-]{0,31}$' }),
  host_keys: Type.Array(Type.String({ pattern: ONE_LINE_PATTERN }), { minItems: 1, maxItems: 16 }),
});

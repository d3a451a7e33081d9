import type { ImageId, InstanceId, ProjectId, UserId } from './ids.ts';

/** The flavor as it was when the instance was created or last resized. Sizes carry their unit. */
export interface FlavorSpec {
  readonly id: number;
  readonly flavor_id: string;
  readonly name: string;
  readonly vcpus: number;
  readonly memory_mb: number;
  readonly root_gb: number;
  readonly ephemeral_gb: number;
  readonly swap_mb: number;
  readonly rxtx_factor: number;
  readonly is_public: boolean;
  readonly disabled: boolean;
  readonly description: string | null;
  readonly extra_specs: Readonly<Record<string, string>>;
}

/** Disk formats an image or a local disk may have. */
export type DiskFormat = 'raw' | 'qcow2';

/** Formats that an image may have. Guests are only made from those of a local disk; Glance's word for VirtualPC's is vhd. */
export const imageFormats = ['raw', 'qcow2', 'vmdk', 'vhdx', 'vhd'] as const;
export type ImageFormat = (typeof imageFormats)[number];

/** Where a host may put an image's bytes: the ticket of an image that has none yet. */
export interface ImageUpload {
  readonly id: ImageId;
  readonly url: string;
  readonly ticket: string;
}

/** What a host needs to fetch an image's bytes: no database, no user's token (see shared/domain/image-ticket.ts). */
export interface ImageSource {
  readonly id: ImageId;
  readonly url: string;
  readonly ticket: string;
  readonly disk_format: DiskFormat;
  readonly size_bytes: number;
  /** sha512 of the image's bytes, lower-case hexadecimal (Image v2 `os_hash_value`). */
  readonly sha512: string;
}

/** Everything a host must know to define a guest. Travels in commands; agents keep it beside the disks. */
export interface InstanceSpec {
  readonly id: InstanceId;
  /** Nova's `instance-%08x`. */
  readonly instance_name: string;
  readonly display_name: string;
  readonly project_id: ProjectId;
  readonly user_id: UserId;
  readonly flavor: FlavorSpec;
  readonly image: ImageSource | null;
  readonly image_properties: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
}

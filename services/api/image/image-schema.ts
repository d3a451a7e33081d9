import { imageFormats } from '../../../shared/domain/instance-spec.ts';

/** The schemas that clients may ask for: names and types of an image's members. */
const text = { type: ['null', 'string'] };
const readOnly = (type: string | string[]) => ({ type, readOnly: true });

export const imageSchema = {
  name: 'image',
  properties: {
    id: { type: 'string' },
    name: { ...text, maxLength: 255 },
    status: { ...readOnly('string'), enum: ['queued', 'saving', 'active', 'deleted'] },
    visibility: { type: 'string', enum: ['community', 'public', 'private', 'shared'] },
    protected: { type: 'boolean' },
    os_hidden: { type: 'boolean' },
    checksum: readOnly(['null', 'string']),
    os_hash_algo: readOnly(['null', 'string']),
    os_hash_value: readOnly(['null', 'string']),
    owner: text,
    size: readOnly(['null', 'integer']),
    virtual_size: readOnly(['null', 'integer']),
    container_format: { ...text, enum: [null, 'bare', 'ovf', 'ova', 'docker'] },
    disk_format: { ...text, enum: [null, ...imageFormats] },
    created_at: readOnly('string'),
    updated_at: readOnly('string'),
    tags: { type: 'array', items: { type: 'string', maxLength: 255 } },
    min_ram: { type: 'integer' },
    min_disk: { type: 'integer' },
    self: readOnly('string'),
    file: readOnly('string'),
    schema: readOnly('string'),
  },
  additionalProperties: { type: 'string' },
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ],
};

export const imagesSchema = {
  name: 'images',
  properties: {
    images: { type: 'array', items: imageSchema },
    schema: { type: 'string' },
    next: { type: 'string' },
    first: { type: 'string' },
  },
  links: [
    { rel: 'first', href: '{first}' },
    { rel: 'next', href: '{next}' },
    { rel: 'describedby', href: '{schema}' },
  ],
};

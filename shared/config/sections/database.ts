import { integer, url } from '../option.ts';
import { defineSection } from '../section.ts';

export const databaseSection = defineSection(
  'database',
  'PostgreSQL holds the truth. Agents have no access to it.',
  {
    connection: url({
      default: 'postgresql://127.0.0.1:5432/drover',
      schemes: ['postgresql', 'postgres'],
      secret: true,
      help: 'The database: postgresql://user:password@host:5432/database.',
    }),
    max_pool_size: integer({
      default: 10,
      minimum: 2,
      maximum: 1000,
      unit: 'connections',
      help: 'Connections per process.',
    }),
  },
);

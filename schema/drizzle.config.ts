import { defineConfig } from 'drizzle-kit';

export default defineConfig({ dialect: 'mysql', schema: './registry/tables.ts', out: './migrations' });

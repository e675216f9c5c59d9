import { Counter, Gauge } from 'prom-client';

export const usageReports = new Counter({
  name: 'souk_usage_reports_total',
  help: 'Reports to the schema registry of what clients asked for, by outcome: recorded, or failed and tried again.',
  labelNames: ['outcome'],
});

export const usageReportsWaiting = new Gauge({
  name: 'souk_usage_reports_waiting',
  help: 'Reports of what clients asked for that the schema registry has not taken yet.',
});

/** One account for each role, in every shop that was filled with the demo data. They exist nowhere else. */
export const demoAccounts = [
  { email: 'customer@souk.example', role: 'CUSTOMER', does: 'shops' },
  { email: 'support@souk.example', role: 'SUPPORT', does: 'answers customers' },
  { email: 'catalog@souk.example', role: 'CATALOG_MANAGER', does: 'looks after products and stock' },
  { email: 'orders@souk.example', role: 'ORDER_MANAGER', does: 'ships and refunds orders' },
  { email: 'admin@souk.example', role: 'ADMIN', does: 'may do everything' },
] as const;

export const DEMO_PASSWORD = 'souk-demo-2026';

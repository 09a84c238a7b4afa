/** Invoices and payments as clients and staff both see them. Not part of ui/: only pages about money load it. */
export * from './standing.ts';
export { InvoiceSheet } from './sheet.tsx';
export { isPeriod, StatementForm } from './statement.tsx';
export { mine, ofClient, usePrint } from './prints.ts';

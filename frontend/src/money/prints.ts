/** PDFs of invoices, receipts, statements and superbills: asked for, waited for, opened. */
import { api, BACKGROUND, call, Problem } from '../http.ts';
import { payments as words } from '../strings/payments.ts';
import type { Print, PrintBody } from '../types.ts';
import { useAct, type Act } from '../ui/hooks.ts';

const TURNS = 40;
const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Where to ask for a sheet, and where to look whether it is made. */
export interface Printer { ask: (body: PrintBody) => Promise<Print>; read: (print_id: string) => Promise<Print> }

export const mine: Printer = {
  ask: (body) => call(api.POST('/portal/prints', { body })),
  read: (print_id) => call(api.GET('/portal/prints/{print_id}', { params: { path: { print_id } }, headers: BACKGROUND })),
};

/** Of a client's, for staff. */
export function ofClient(client_id: string): Printer {
  return {
    ask: (body) => call(api.POST('/practice/clients/{client_id}/prints', { params: { path: { client_id } }, body })),
    read: (print_id) => call(api.GET('/practice/clients/{client_id}/prints/{print_id}', { params: { path: { client_id, print_id } }, headers: BACKGROUND })),
  };
}

/** Has a sheet made and opens it; the sheet is rendered by a worker, so it takes a moment. */
export function usePrint(printer: Printer): Act<[PrintBody], void> {
  return useAct(async (body: PrintBody) => {
    let sheet = await printer.ask(body);
    for (let turn = 0; turn < TURNS && !sheet.url; turn++) {
      await rest(turn < 8 ? 500 : 1500);
      sheet = await printer.read(sheet.print_id);
    }
    if (!sheet.url) throw new Problem({ status: 503, code: 'print_slow', title: words.print.slow });
    location.assign(sheet.url);
  });
}

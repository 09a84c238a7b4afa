/** PDFs of invoices, receipts, statements and superbills: asked for, waited for, opened. */
import { api, BACKGROUND, call, Problem } from '../http.ts';
import { payments as words } from '../strings/payments.ts';
import type { Sheet, SheetBody } from '../types.ts';
import { useAct, type Act } from '../ui/hooks.ts';

const TURNS = 40;
const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Where to ask for a sheet, and where to look whether it is made. */
export interface Printer { ask: (body: SheetBody) => Promise<Sheet>; read: (sheet_id: string) => Promise<Sheet> }

export const mine: Printer = {
  ask: (body) => call(api.POST('/portal/prints', { body })),
  read: (sheet_id) => call(api.GET('/portal/prints/{sheet_id}', { params: { path: { sheet_id } }, headers: BACKGROUND })),
};

/** Of a client's, for staff. */
export function ofClient(client_id: string): Printer {
  return {
    ask: (body) => call(api.POST('/practice/clients/{client_id}/prints', { params: { path: { client_id } }, body })),
    read: (sheet_id) => call(api.GET('/practice/clients/{client_id}/prints/{sheet_id}', { params: { path: { client_id, sheet_id } }, headers: BACKGROUND })),
  };
}

/** Has a sheet made and opens it; the sheet is rendered by a worker, so it takes a moment. */
export function usePrint(printer: Printer): Act<[SheetBody], void> {
  return useAct(async (body: SheetBody) => {
    let sheet = await printer.ask(body);
    for (let turn = 0; turn < TURNS && !sheet.url; turn++) {
      await rest(turn < 8 ? 500 : 1500);
      sheet = await printer.read(sheet.sheet_id);
    }
    if (!sheet.url) throw new Problem({ status: 503, code: 'print_slow', title: words.print.slow });
    location.assign(sheet.url);
  });
}

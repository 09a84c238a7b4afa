/** Two days, and a statement of what happened between them. Shared by clients and staff. */
import { useState } from 'preact/hooks';
import { usePrint, type Printer } from './prints.ts';
import { payments } from '../strings/payments.ts';
import { addDays, dayKey } from '../ui/appointment.ts';
import { useSession } from '../session.tsx';
import { Button, goTo, ProblemNote, TextField } from '../ui/parts.tsx';

const words = payments.statement;
const LONGEST = 730;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Whether two calendar dates are a period that can be asked for. */
export function isPeriod(first: string, last: string, longest: number): boolean {
  return DAY.test(first) && DAY.test(last) && first <= last && last <= addDays(first, longest);
}

export function StatementForm({ printer, today, primary }: { printer: Printer; today: Date; primary?: boolean }) {
  const now = dayKey(today, useSession().tenant.zone);
  const [first, setFirst] = useState(`${now.slice(0, 4)}-01-01`);
  const [last, setLast] = useState(now);
  const [fault, setFault] = useState<string | null>(null);
  const print = usePrint(printer);
  const submit = (event: Event) => {
    event.preventDefault();
    if (!isPeriod(first, last, LONGEST)) {
      setFault(first > last ? words.order : words.period);
      goTo('statement-last');
      return;
    }
    void print.run({ what: 'statement', first_day: first, last_day: last, invoice_id: null, payment_id: null });
  };
  return (
    <form class="stack g4" noValidate onSubmit={submit}>
      <div class={fault ? 'stack g3' : 'grid tight'}>
        <TextField id="statement-first" label={words.first} type="date" value={first} onInput={(value) => { setFault(null); setFirst(value); }} />
        <TextField id="statement-last" label={words.last} type="date" value={last} error={fault} onInput={(value) => { setFault(null); setLast(value); }} />
      </div>
      <ProblemNote problem={print.problem} />
      <div><Button type="submit" look={primary ? 'primary' : 'plain'} icon="download" busy={print.busy} busyLabel={payments.print.making}>{words.make}</Button></div>
    </form>
  );
}

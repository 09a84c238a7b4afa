/** Appointments that took place and stand on no invoice: billed in one click. */
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../../http.ts';
import { invoiceName } from '../../money/index.ts';
import { billing } from '../../strings/billing.ts';
import type { Billable } from '../../types.ts';
import { brief, Button, Check, money, useAct } from '../../ui/index.ts';
import { Failed } from '../parts.tsx';

const words = billing.toBill;

export function ToBill({ client_id, items, onDone }: { client_id: string; items: Billable[]; onDone: (told: string) => Promise<void> }) {
  const able = items.filter((one) => one.price);
  const [picked, setPicked] = useState(() => able.filter((one) => one.status === 'completed').map((one) => one.appointment_id));
  const keys = useRef<Record<string, string>>({});
  const chosen = able.filter((one) => picked.includes(one.appointment_id));
  const sum = chosen.length ? money({ amount: chosen.reduce((all, one) => all + one.price!.amount, 0), currency: chosen[0]!.price!.currency }) : '';
  const bill = useAct(async (issue: boolean) => {
    const appointment_ids = chosen.map((one) => one.appointment_id);
    const key = (keys.current[`${issue}${appointment_ids.join()}`] ??= newKey());
    const made = await call(api.POST('/practice/clients/{client_id}/invoices/from-appointments', { params: { path: { client_id }, header: { 'Idempotency-Key': key } }, body: { appointment_ids, issue } }));
    await onDone(issue ? words.issued(invoiceName(made)) : words.drafted);
  });
  const idle = chosen.length === 0;
  return (
    <section class="card stack g4" aria-labelledby="tobill">
      <div class="stack g1"><h2 id="tobill">{words.title}</h2><p class="small soft">{words.text}</p></div>
      <ul class="stack g2">
        {items.map((one) => (
          <li key={one.appointment_id}>
            <Check checked={picked.includes(one.appointment_id)} disabled={!one.price} onChange={(on) => setPicked(on ? [...picked, one.appointment_id] : picked.filter((each) => each !== one.appointment_id))}>
              {brief(one.starts_at, one.zone)} · {one.service} · {one.therapist}{' '}
              {one.status === 'no_show' ? <strong>{words.missed} </strong> : null}
              <span class={one.price ? 'num strong' : 'small soft'}>{one.price ? money(one.price) : words.noPrice}</span>
            </Check>
          </li>
        ))}
      </ul>
      <div class="cluster g2">
        <Button icon="form" busy={bill.busy} aria-disabled={idle ? 'true' : undefined} onClick={() => { if (!idle) void bill.run(true); }}>{idle ? words.none : words.bill(chosen.length, sum)}</Button>
        {idle ? null : <Button look="quiet" busy={bill.busy} onClick={() => void bill.run(false)}>{words.draft}</Button>}
      </div>
      <Failed problem={bill.problem} />
    </section>
  );
}

/** Choosing what to pay, how much and how; then on to Stripe's page, or to the page that waits for the truth. */
import { useLocation } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, asProblem, call, newKey } from '../http.ts';
import { cardName, invoiceBadge, invoiceName, planOf, sums, tooLittle, tooMuch } from '../money/index.ts';
import { useSession } from '../session.tsx';
import { payments } from '../strings/payments.ts';
import type { InvoiceRow, Money, MyBilling, MyCards, PaymentBody } from '../types.ts';
import { Badge, Button, Check, currencySign, Facts, Field, FieldError, goTo, Icon, money, Note, ProblemNote, typed, untyped, useAct, WithPhone } from '../ui/index.ts';

const words = payments.page;
export const MOST = 20; // invoices at once
const OFF = ['feature_switched_off', 'feature_not_in_plan', 'organization_suspended', 'card_processing_not_connected'];
const STALE = [...OFF, 'invoice_state', 'nothing_to_pay', 'amount_too_large', 'amount_too_small', 'remainder_too_small', 'too_little_online', 'too_much_online', 'amounts_fixed', 'card_gone', 'not_found'];

interface Props { billing: MyBilling; cards: MyCards; picked: string[]; onPick: (ids: string[]) => void; onStale: () => Promise<void> }

/** What is wrong with an amount, in words: all that is due, or a part that leaves as much as a card can pay. */
function amountFault(text: string, one: InvoiceRow): string | null {
  const amount = untyped(text, one.due.currency);
  if (amount === null) return words.needAmount;
  if (amount > one.due.amount) return words.tooLarge(money(one.due));
  if (amount === one.due.amount) return null;
  if (amount < one.least.amount) return words.tooSmall(money(one.least));
  if (one.most_partial && amount > one.most_partial.amount) return words.leavesLittle(money(one.due), money(one.most_partial));
  return null;
}

export function PayForm({ billing, cards, picked, onPick, onStale }: Props) {
  const { open } = billing;
  const { route } = useLocation();
  const chosen = open.filter((one) => picked.includes(one.invoice_id));
  const lone = chosen.length === 1 ? chosen[0]! : null;
  const due = { amount: chosen.reduce((sum, one) => sum + one.due.amount, 0), currency: open[0]!.due.currency };
  const [amounts, setAmounts] = useState<Record<string, string>>({});
  const [card, setCard] = useState<string | null>(cards.items[0]?.card_id ?? null);
  const [save, setSave] = useState(false);
  const [tried, setTried] = useState(false);
  const [stale, setStale] = useState<string | null>(null); // what the page says of a change that it did not know
  const key = useRef<[body: string, key: string]>(['', '']);

  const text = lone ? amounts[lone.invoice_id] ?? typed(lone.due) : '';
  const wrong = lone ? amountFault(text, lone) : null;
  const little = tooLittle(chosen, billing);
  const much = tooMuch(chosen, billing.most_by_card);
  const fault = chosen.length === 0 ? words.chooseOne : chosen.length > MOST ? words.chooseFewer : null;
  const total: Money | null = lone ? (wrong ? null : { ...due, amount: untyped(text, due.currency)! }) : chosen.length ? due : null;
  const saved = cards.items.find((one) => one.card_id === card) ?? null;

  const pay = useAct(async (body: PaymentBody) => {
    const said = JSON.stringify(body);
    if (key.current[0] !== said) key.current = [said, newKey()]; // the same wish again, after a lost answer, is the same payment
    try {
      const made = await call(api.POST('/portal/payments', { params: { header: { 'Idempotency-Key': key.current[1] } }, body }));
      key.current = ['', ''];
      if (made.address) location.assign(made.address);
      else route(`/pay/done/${made.payment_id}`);
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.status < 500 && problem.status !== 0) key.current = ['', ''];
      if (!STALE.includes(problem.code)) throw problem;
      await onStale();
      setAmounts({});
      setStale(words.changedWhy[problem.code] ?? words.changed);
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    setStale(null);
    if (fault || wrong) {
      goTo(fault ? 'choose' : 'amount');
      return;
    }
    const one = lone && total ? { invoice_id: lone.invoice_id, ...(total.amount === lone.due.amount ? {} : { amount: total.amount }) } : null;
    void pay.run({ invoices: one ? [one] : chosen.map(({ invoice_id }) => ({ invoice_id })), save_card: !saved && save, card_id: saved ? saved.card_id : null });
  };

  return (
    <form class="card lead stack g5" noValidate onSubmit={submit}>
      {stale ? <Note tone="warn" live>{stale}</Note> : null}
      {open.length > 1 ? <Choose open={open} picked={picked} fault={tried ? fault : null} onPick={(ids) => { setStale(null); onPick(ids); }} /> : null}
      {lone ? <Lone one={lone} among={open.length} /> : null}
      {lone?.most_partial ? (
        <Field id="amount" label={words.amount} help={words.part(money(lone.least), money(lone.most_partial))} error={tried ? wrong : null}>
          {(wiring) => (
            <div class="affix pre short">
              <span aria-hidden="true">{currencySign(due.currency)}</span>
              <input {...wiring} class="input num" inputMode="decimal" autocomplete="off" maxLength={14} value={text} onInput={(event) => setAmounts({ ...amounts, [lone.invoice_id]: event.currentTarget.value })} />
            </div>
          )}
        </Field>
      ) : lone && !little ? <p class="small soft">{words.whole}</p> : null}
      {little ? <Note tone="info" icon="phone" live><WithPhone text={little} phone={billing.phone} /></Note> : much ? <Note tone="info" icon="card" live>{much}</Note> : (
        <>
          {cards.items.length ? (
            <fieldset class="field">
              <legend>{words.how}</legend>
              <div class="stack g2">
                {cards.items.map((one) => <Way key={one.card_id} label={cardName(one)} on={card === one.card_id} pick={() => setCard(one.card_id)} />)}
                <Way label={words.another} on={card === null} pick={() => setCard(null)} />
              </div>
            </fieldset>
          ) : null}
          {saved ? null : <Check checked={save} describedBy="save-help" onChange={setSave}>{words.save}<br /><span class="small soft" id="save-help">{words.saveHelp}</span></Check>}
          <ProblemNote problem={pay.problem} />
          <div class="stack g3">
            <Button type="submit" look="primary" wide busy={pay.busy} busyLabel={words.going}>{total ? words.pay(money(total)) : words.payPlain}</Button>
            <p class="tiny faint line"><Icon name="lock" /><span>{saved ? words.whereSaved(cardName(saved)) : words.where}</span></p>
          </div>
        </>
      )}
    </form>
  );
}

function Way({ label, on, pick }: { label: string; on: boolean; pick: () => void }) {
  return <label class="choice"><input type="radio" name="way" checked={on} onChange={pick} /><span>{label}</span></label>;
}

function Choose({ open, picked, fault, onPick }: { open: InvoiceRow[]; picked: string[]; fault: string | null; onPick: (ids: string[]) => void }) {
  const { tenant } = useSession();
  const toggle = (id: string, on: boolean) => onPick(on ? [...picked, id] : picked.filter((each) => each !== id));
  return (
    <fieldset class={fault ? 'field invalid' : 'field'} id="choose" tabIndex={-1}>
      <legend>{words.choose}</legend>
      <p class="help">{words.chooseHelp}</p>
      {fault ? <FieldError id="choose-error" text={fault} /> : null}
      <ul class="stack g2">
        {open.map((one) => {
          const badge = invoiceBadge(one);
          const name = invoiceName(one);
          const plan = planOf(one, tenant.zone);
          return (
            <li class="stack g1" key={one.invoice_id}>
              <label class="choice">
                <input type="checkbox" checked={picked.includes(one.invoice_id)} onChange={(event) => toggle(one.invoice_id, event.currentTarget.checked)} />
                <span class="grow"><span class="sum"><span class="strong">{name}</span><span class="num strong">{money(one.due)}</span></span><span class="small soft">{badge.word}</span></span>
              </label>
              {plan ? <p class="small soft under">{payments.planned(plan)}</p> : null}
              <a class="small under" href={`/payments/invoices/${one.invoice_id}`}>{words.look}<span class="hidden">: {name}</span></a>
            </li>
          );
        })}
      </ul>
    </fieldset>
  );
}

/** The one invoice that is paid: what it comes to, and what is due. */
function Lone({ one, among }: { one: InvoiceRow; among: number }) {
  const { tenant } = useSession();
  const badge = invoiceBadge(one);
  const plan = planOf(one, tenant.zone);
  const rows = sums(one);
  const facts = rows.slice(0, -1).map(([name, amount]): [string, preact.ComponentChildren] => [name, <span class="num">{amount}</span>]);
  return (
    <div class="stack g3">
      {among > 1 ? null : <div class="sum"><a class="small" href={`/payments/invoices/${one.invoice_id}`}>{invoiceName(one)}</a><Badge tone={badge.tone} hollow={badge.hollow}>{badge.word}</Badge></div>}
      {among > 1 ? null : <div class="sum"><span class="strong">{payments.sums.due}</span><b class="num">{money(one.due)}</b></div>}
      <div class="amounts"><Facts rows={facts} /></div>
      {plan ? <p class="small soft">{payments.planned(plan)}</p> : null}
    </div>
  );
}

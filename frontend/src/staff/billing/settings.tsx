/** How the organization bills: currency, smallest part, days until due, taxes, and what stands on every sheet. */
import { useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { billing } from '../../strings/billing.ts';
import { staff } from '../../strings/staff.ts';
import type { Settings } from '../../types.ts';
import { Button, ErrorSummary, Note, SelectField, TextField, typed, untyped, useAct, useEdits, useLoad, type Wrong } from '../../ui/index.ts';
import { Failed, Ready, RecordBones } from '../parts.tsx';
import { AmountField } from './fields.tsx';

const words = billing.settings;
type Currency = keyof typeof words.currencies;
interface Tax { name: string; percent: string }
interface Draft { currency: Currency; least: string; days: string; taxes: Tax[]; taxId: string; npi: string; footer: string }

const MOST_TAXES = 4;

/** "8.875" of 887 or 888 basis points: two decimals at most, exactly. */
function percent(basis: number): string {
  return (basis / 100).toFixed(2).replace(/\.?0+$/, '');
}

/** Basis points of what was typed; null when it is no rate from 0.01 to 50 per cent. */
function basisOf(text: string): number | null {
  const found = /^(\d{1,2})(?:\.(\d{1,2}))?\s*%?$/.exec(text.trim());
  if (!found) return null;
  const basis = Number(found[1]) * 100 + Number((found[2] ?? '').padEnd(2, '0'));
  return basis >= 1 && basis <= 5000 ? basis : null;
}

function begun({ billing: now }: Settings): Draft {
  return {
    currency: now.currency as Currency, least: typed({ amount: now.minimum_partial, currency: now.currency }), days: String(now.due_days),
    taxes: now.taxes.map((one) => ({ name: one.name, percent: percent(one.basis_points) })), taxId: now.tax_id, npi: now.npi, footer: now.footer,
  };
}

function faultsOf(draft: Draft): Wrong[] {
  const found: Wrong[] = [];
  const least = untyped(draft.least, draft.currency);
  if (least === null || least < 50 || least > 1_000_000) found.push({ id: 'least', text: words.faults.least });
  if (!/^\d{1,3}$/.test(draft.days.trim()) || Number(draft.days) > 180) found.push({ id: 'days', text: words.faults.days });
  draft.taxes.forEach((one, n) => {
    if (!one.name.trim()) found.push({ id: `tax${n}-name`, text: words.faults.name });
    if (basisOf(one.percent) === null) found.push({ id: `tax${n}-percent`, text: words.faults.percent });
  });
  if (draft.npi.trim() && !/^\d{10}$/.test(draft.npi.trim())) found.push({ id: 'npi', text: words.faults.npi });
  return found;
}

export function SettingsTab() {
  const loaded = useLoad(() => call(api.GET('/practice/settings')), []);
  return <Ready of={loaded} bones={<RecordBones />} heading={false}>{(settings) => <Form settings={settings} put={loaded.put} reload={loaded.reload} />}</Ready>;
}

function Form({ settings, put, reload }: { settings: Settings; put: (next: Settings) => void; reload: () => Promise<void> }) {
  const locked = !useSession().roles.includes('administrator');
  const { draft, change, dirty, saved, take, refuse, stale } = useEdits(settings, begun, { onAnew: () => { save.clear(); setTurn(0); } });
  const [turn, setTurn] = useState(0);
  const tax = (n: number, next: Partial<Tax>) => change({ taxes: draft.taxes.map((one, m) => (m === n ? { ...one, ...next } : one)) });
  const wrong = turn ? faultsOf(draft) : [];
  const at = (id: string) => wrong.find((one) => one.id === id)?.text ?? null;
  const save = useAct(async () => {
    const body = {
      billing: {
        currency: draft.currency, minimum_partial: untyped(draft.least, draft.currency)!, due_days: Number(draft.days), tax_id: draft.taxId.trim(), npi: draft.npi.trim(), footer: draft.footer.trim(),
        taxes: draft.taxes.map((one) => ({ name: one.name.trim(), basis_points: basisOf(one.percent)! })),
      },
    };
    const next = await call(api.PATCH('/practice/settings', { params: { header: { 'If-Match': settings.etag } }, body })).catch(refuse);
    if (!next || take(draft, next) === null) return;
    setTurn(0);
    put(next);
  });
  const submit = (event: Event) => {
    event.preventDefault();
    setTurn(turn + 1);
    if (!faultsOf(draft).length) void save.run();
  };
  return (
    <form class="stack g5 narrowpage" noValidate onSubmit={submit}>
      {locked ? <Note tone="info" icon="lock">{billing.processing.adminOnly}</Note> : null}
      <ErrorSummary wrong={wrong} turn={turn} />
      <fieldset class="stack g5" disabled={locked}>
        <legend class="hidden">{words.title}</legend>
        <section class="card stack g4" aria-labelledby="terms">
          <h2 id="terms">{words.terms}</h2>
          <SelectField id="currency" label={words.currency} help={billing.processing.currencyHelp} value={draft.currency} options={Object.entries(words.currencies)} onChange={(value) => change({ currency: value as Currency })} />
          <AmountField id="least" label={words.least} help={words.leastHelp} currency={draft.currency} value={draft.least} error={at('least')} onInput={(least) => change({ least })} />
          <TextField id="days" label={words.days} help={words.daysHelp} short inputMode="numeric" maxLength={3} value={draft.days} error={at('days')} onInput={(days) => change({ days })} />
        </section>
        <section class="card stack g4" aria-labelledby="taxes">
          <div class="stack g1"><h2 id="taxes">{words.taxes}</h2><p class="small soft">{words.taxesHelp}</p></div>
          {draft.taxes.map((one, n) => (
            <fieldset class="stack g3 ruledrow" key={n}>
              <legend class="strong">{one.name || words.newTax}</legend>
              <div class="fieldgrid">
                <TextField id={`tax${n}-name`} label={words.taxName} maxLength={60} value={one.name} error={at(`tax${n}-name`)} onInput={(name) => tax(n, { name })} />
                <TextField id={`tax${n}-percent`} label={words.percent} short inputMode="decimal" maxLength={6} value={one.percent} error={at(`tax${n}-percent`)} onInput={(next) => tax(n, { percent: next })} />
              </div>
              {locked ? null : <div><Button mini look="quiet" icon="bin" onClick={() => change({ taxes: draft.taxes.filter((_, m) => m !== n) })}>{words.removeTax}<span class="hidden">: {one.name}</span></Button></div>}
            </fieldset>
          ))}
          {locked || draft.taxes.length >= MOST_TAXES ? null : <div><Button mini icon="plus" onClick={() => change({ taxes: [...draft.taxes, { name: '', percent: '' }] })}>{words.addTax}</Button></div>}
        </section>
        <section class="card stack g4" aria-labelledby="sheets">
          <div class="stack g1"><h2 id="sheets">{words.sheets}</h2><p class="small soft">{words.sheetsHelp}</p></div>
          <div class="fieldgrid">
            <TextField id="tax-id" label={words.taxId} optional maxLength={40} value={draft.taxId} onInput={(taxId) => change({ taxId })} />
            <TextField id="npi" label={words.npi} optional inputMode="numeric" maxLength={10} value={draft.npi} error={at('npi')} onInput={(npi) => change({ npi })} />
          </div>
          <TextField id="footer" label={words.footer} help={words.footerHelp} optional rows={3} maxLength={600} value={draft.footer} onInput={(footer) => change({ footer })} />
        </section>
      </fieldset>
      {stale ? <Note tone="warn" live action={<Button mini onClick={() => void reload()}>{words.reload}</Button>}>{words.stale}</Note> : <Failed problem={save.problem} />}
      {locked ? null : <div class="cluster g3"><Button type="submit" look="primary" busy={save.busy}>{billing.save}</Button><span class="small soft" role="status">{dirty ? staff.unsaved : saved ? words.saved : ''}</span></div>}
    </form>
  );
}

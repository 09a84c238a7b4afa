/** An amount in a field, and the one question about an amount and a reason. */
import { useRef, useState } from 'preact/hooks';
import { newKey, type Problem } from '../../http.ts';
import { billing as words } from '../../strings/billing.ts';
import type { Money } from '../../types.ts';
import { Button, currencySign, Dialog, Field, goTo, Group, money, TextField, typed, untyped, useAct } from '../../ui/index.ts';
import { Failed } from '../parts.tsx';

interface AmountProps { id: string; label: preact.ComponentChildren; help?: preact.ComponentChildren; error?: string | null; currency: string; value: string; onInput: (value: string) => void }

export function AmountField({ id, label, help, error, currency, value, onInput }: AmountProps) {
  return (
    <Field id={id} label={label} help={help} error={error}>
      {(wiring) => (
        <div class="affix pre short">
          <span aria-hidden="true">{currencySign(currency)}</span>
          <input {...wiring} class="input num" inputMode="decimal" autocomplete="off" maxLength={14} value={value} onInput={(event) => onInput(event.currentTarget.value)} />
        </div>
      )}
    </Field>
  );
}

interface AskProps {
  title: string; text?: string; go: string; danger?: boolean; onClose: () => void;
  /** The amount that is asked for: at first, at most, at least. */
  amount?: { first: number | null; most: number | null; least: number; currency: string; help?: string; /** What to say of less than `least`, and of nothing. */ low?: (found: number) => string };
  reason?: boolean;
  /** One of these, at first the first; `text`: what it means. */
  choice?: { label: string; options: { value: string; label: string; text: string }[] };
  /** Does it; the key stays the same for the same answers until it has succeeded. */
  act: (said: { amount: number; reason: string }, key: string, chosen: string) => Promise<unknown>;
  onFailed?: (problem: Problem) => void;
}

/** A dialog for one change: how, how much, and why. Stays open, with what was typed, when it fails. */
export function Ask({ title, text, go, danger, onClose, amount, reason, choice, act }: AskProps) {
  const currency = amount?.currency ?? 'usd';
  const [sum, setSum] = useState(amount?.first == null ? '' : typed({ amount: amount.first, currency }));
  const [why, setWhy] = useState('');
  const [chosen, setChosen] = useState(choice?.options[0]?.value ?? '');
  const [tried, setTried] = useState(false);
  const key = useRef<[string, string]>(['', '']);
  const found = untyped(sum, currency);
  const sumFault = !amount ? null
    : found === null ? words.needAmount
      : amount.most !== null && found > amount.most ? words.tooLarge(money({ amount: amount.most, currency }))
        : found < amount.least || found === 0 ? amount.low?.(found) ?? words.tooSmall : null;
  const whyFault = reason && !why.trim() ? words.needReason : null;
  const doing = useAct(async () => {
    const said = { amount: found ?? 0, reason: why.trim() };
    const all = JSON.stringify([said, chosen]);
    if (key.current[0] !== all) key.current = [all, newKey()];
    await act(said, key.current[1], chosen);
    onClose();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (sumFault) goTo('ask-amount');
    else if (whyFault) goTo('ask-reason');
    else void doing.run();
  };
  const shut = () => { if (!doing.busy) onClose(); };
  const help = amount?.help ?? (amount && amount.most !== null ? words.upTo(money({ amount: amount.most, currency } satisfies Money)) : undefined);
  return (
    <Dialog
      open onClose={shut} title={title}
      actions={<><Button look={danger ? 'danger' : 'primary'} type="submit" form="ask" busy={doing.busy}>{go}</Button><Button look="quiet" onClick={shut}>{words.cancel}</Button></>}
    >
      <form id="ask" class="stack g4" noValidate onSubmit={submit}>
        {text ? <p class="soft">{text}</p> : null}
        {choice ? (
          <div class="stack g2">
            <Group label={choice.label}>
              <div class="stack g2">{choice.options.map((one) => <label class="check" key={one.value}><input type="radio" name="ask-choice" checked={chosen === one.value} onChange={() => setChosen(one.value)} /><span>{one.label}</span></label>)}</div>
            </Group>
            <p class="small soft" aria-live="polite">{choice.options.find((one) => one.value === chosen)?.text}</p>
          </div>
        ) : null}
        {amount ? <AmountField id="ask-amount" label={words.amount} help={help} currency={currency} value={sum} error={tried ? sumFault : null} onInput={setSum} /> : null}
        {reason ? <TextField id="ask-reason" label={words.reason} help={words.reasonHelp} rows={2} maxLength={500} value={why} error={tried ? whyFault : null} onInput={setWhy} /> : null}
        <Failed problem={doing.problem} />
      </form>
    </Dialog>
  );
}

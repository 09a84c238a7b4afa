/** Every kind of question, drawn from its definition. One component a kind; all take the same props. */
import { useId, useRef, useState } from 'preact/hooks';
import { client } from '../../strings/client.ts';
import { shared } from '../../strings/shared.ts';
import type { Field as Spec, TableRow, Value } from '../../types.ts';
import { Button, Field, FieldError, Group, Icon, goTo, useToast } from '../../ui/index.ts';
import { Blocks } from '../Blocks.tsx';
import { length, LIMITS } from '../engine.ts';

const words = client.fill;

export interface FieldProps {
  field: Spec;
  value: Value | null | undefined;
  error: string | null;
  onChange: (value: Value | null) => void;
  /** Save now: the cursor left the field. */
  onLeave: () => void;
}

/** The id that error summaries link to. */
export function fieldId(field: Spec): string {
  return `f-${field.id}`;
}

const COMPLETION: Record<string, string> = {
  'profile.legal_name': 'name', 'profile.preferred_name': 'nickname', 'profile.phone': 'tel', 'profile.email': 'email',
  'profile.address': 'street-address',
};

export function FormField(props: FieldProps) {
  switch (props.field.type) {
    case 'long': return <Long {...props} />;
    case 'date': return <DateParts {...props} />;
    case 'choice': return (props.field.options ?? []).length > 8 ? <Picker {...props} /> : <Choice {...props} />;
    case 'choices': return <Choices {...props} />;
    case 'yesno': return <YesNo {...props} />;
    case 'number': return <Numeric {...props} />;
    case 'scale': return <Scale {...props} />;
    case 'table': return <Table {...props} />;
    case 'info': return <Info {...props} />;
    case 'agree': return <Agree {...props} />;
    case 'initials': return <Line {...props} short />;
    case 'signature': return <p class="note"><Icon name="pen" /><span>{words.signLater}</span></p>;
    default: return <Line {...props} />;
  }
}

function Line({ field, value, error, onChange, onLeave, short }: FieldProps & { short?: boolean }) {
  const kind = field.input ?? 'text';
  return (
    <Field id={fieldId(field)} label={field.label} help={field.help} error={error} optional={!field.required}>
      {(wiring) => (
        <input
          {...wiring}
          class={short ? 'input short' : 'input'}
          type={kind as 'text'}
          dir="auto"
          inputMode={kind === 'tel' ? 'tel' : kind === 'email' ? 'email' : 'text'}
          autocomplete={(COMPLETION[field.prefill ?? ''] ?? 'off') as 'off'}
          aria-required={field.required ? 'true' : undefined}
          value={typeof value === 'string' ? value : ''}
          onInput={(event) => onChange(event.currentTarget.value || null)}
          onBlur={onLeave}
        />
      )}
    </Field>
  );
}

function Long({ field, value, error, onChange, onLeave }: FieldProps) {
  const text = typeof value === 'string' ? value : '';
  const limit = field.max ?? LIMITS.long;
  const used = text.length > limit * 0.75 ? length(text) : 0;
  return (
    <Field id={fieldId(field)} label={field.label} help={field.help} error={error} optional={!field.required}>
      {(wiring) => (
        <>
          <textarea
            {...wiring}
            class="input"
            dir="auto"
            rows={field.prefill ? 3 : 5}
            autocomplete={(COMPLETION[field.prefill ?? ''] ?? 'off') as 'off'}
            aria-required={field.required ? 'true' : undefined}
            value={text}
            onInput={(event) => onChange(event.currentTarget.value || null)}
            onBlur={onLeave}
          />
          {used > limit * 0.75 ? <p class="tiny soft num" role="status">{words.used(used, limit)}</p> : null}
        </>
      )}
    </Field>
  );
}

/** Clears an optional answer that a radio button cannot take back by itself. */
function Clear({ field, shown, onClear }: { field: Spec; shown: boolean; onClear: () => void }) {
  if (!shown || field.required) return null;
  return (
    <p class="clearline">
      <button type="button" class="btn quiet mini" onClick={() => { onClear(); goTo(fieldId(field)); }}>{words.clear}<span class="hidden">: {field.label}</span></button>
    </p>
  );
}

/** Several short answers stand side by side: less to scroll on a phone. */
function brief(options: { label: string }[]): boolean {
  return options.length > 4 && options.every((option) => option.label.length <= 24);
}

function Radios({ field, options, chosen, error, two, onPick, onClear }: { field: Spec; options: { id: string; label: string }[]; chosen: string | null; error: string | null; two?: boolean; onPick: (id: string) => void; onClear: () => void }) {
  const name = useId();
  return (
    <Group id={fieldId(field)} label={field.label} help={field.help} error={error} optional={!field.required}>
      <div class={two ? 'choices two' : brief(options) ? 'choices packed' : 'choices'}>
        {options.map((option) => (
          <label class="choice" key={option.id}>
            <input type="radio" name={name} checked={chosen === option.id} onChange={() => onPick(option.id)} />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
      <Clear field={field} shown={chosen !== null} onClear={onClear} />
    </Group>
  );
}

function Choice({ field, value, error, onChange }: FieldProps) {
  return <Radios field={field} options={field.options ?? []} chosen={typeof value === 'string' ? value : null} error={error} onPick={onChange} onClear={() => onChange(null)} />;
}

function YesNo({ field, value, error, onChange }: FieldProps) {
  const options = [{ id: 'yes', label: shared.yes }, { id: 'no', label: shared.no }];
  return <Radios field={field} options={options} two chosen={value === true ? 'yes' : value === false ? 'no' : null} error={error} onPick={(id) => onChange(id === 'yes')} onClear={() => onChange(null)} />;
}

/** A long list of options: the device's own picker. */
function Picker({ field, value, error, onChange, onLeave }: FieldProps) {
  return (
    <Field id={fieldId(field)} label={field.label} help={field.help} error={error} optional={!field.required}>
      {(wiring) => (
        <select {...wiring} value={typeof value === 'string' ? value : ''} onChange={(event) => onChange(event.currentTarget.value || null)} onBlur={onLeave}>
          <option value="">{words.choose}</option>
          {(field.options ?? []).map((option) => <option key={option.id} value={option.id}>{option.label}</option>)}
        </select>
      )}
    </Field>
  );
}

function Choices({ field, value, error, onChange }: FieldProps) {
  const chosen = Array.isArray(value) ? (value as string[]) : [];
  const toggle = (id: string, on: boolean) => {
    const next = (field.options ?? []).map((option) => option.id).filter((one) => (one === id ? on : chosen.includes(one)));
    onChange(next.length ? next : null);
  };
  return (
    <Group id={fieldId(field)} label={field.label} help={field.help} error={error} optional={!field.required}>
      <div class={(field.options ?? []).length > 6 ? 'choices many' : 'choices'}>
        {(field.options ?? []).map((option) => (
          <label class="choice" key={option.id}>
            <input type="checkbox" checked={chosen.includes(option.id)} onChange={(event) => toggle(option.id, event.currentTarget.checked)} />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </Group>
  );
}

function Numeric({ field, value, error, onChange, onLeave }: FieldProps) {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : '';
  const take = (raw: string) => {
    const typed = raw.trim();
    // What is not a whole number stays on the page as typed, with the reason; it is not sent.
    onChange(typed === '' ? null : /^-?\d{1,15}$/.test(typed) ? Number(typed) : raw);
  };
  return (
    <Field id={fieldId(field)} label={field.label} help={field.help} error={error} optional={!field.required}>
      {(wiring) => <input {...wiring} class="input short" type="text" inputMode="numeric" autocomplete="off" aria-required={field.required ? 'true' : undefined} value={text} onInput={(event) => take(event.currentTarget.value)} onBlur={onLeave} />}
    </Field>
  );
}

function Scale({ field, value, error, onChange }: FieldProps) {
  const name = useId();
  const [low, high] = field.ends ?? [];
  return (
    <Group id={fieldId(field)} label={field.label} help={field.help} error={error} optional={!field.required}>
      <div class="scale">
        {Array.from({ length: 11 }, (_, n) => (
          <label key={n}><input type="radio" name={name} checked={value === n} onChange={() => onChange(n)} />{n}{n === 0 && low ? <span class="hidden">, {low}</span> : n === 10 && high ? <span class="hidden">, {high}</span> : null}</label>
        ))}
      </div>
      {low || high ? <div class="split tiny soft" aria-hidden="true"><span>{low}</span><span>{high}</span></div> : null}
      <Clear field={field} shown={typeof value === 'number'} onClear={() => onChange(null)} />
    </Group>
  );
}

/** Month, day and year apart: quicker and safer than a calendar for a date that one knows by heart. */
function DateParts({ field, value, error, onChange, onLeave }: FieldProps) {
  const id = fieldId(field);
  const [year = '', month = '', date = ''] = typeof value === 'string' ? value.split('-') : [];
  const bare = (part: string) => part.replace(/^0+(?=\d)/, '');
  const [typed, setTyped] = useState<{ for: string; day: string } | null>(null);
  const dayShown = typed && typed.for === value ? typed.day : bare(date);
  const put = (y: string, m: string, d: string) => {
    if (!y && !m && !d) return onChange(null);
    const made = `${y}-${m.padStart(m ? 2 : 0, '0')}-${d.padStart(d ? 2 : 0, '0')}`;
    setTyped({ for: made, day: d });
    onChange(made);
  };
  const birth = field.id === 'birth_date';
  const invalid = error ? 'true' : undefined;
  const describedBy = error ? `${id}-error` : undefined;
  return (
    <Group id={id} label={field.label} help={field.help} error={error} optional={!field.required}>
      <div class="dateparts">
        <div class="field"><label for={`${id}-m`} class="small">{words.month}</label>
          <select id={`${id}-m`} autocomplete={(birth ? 'bday-month' : 'off') as 'off'} aria-invalid={invalid} aria-describedby={describedBy} value={bare(month)} onChange={(event) => put(year, event.currentTarget.value, dayShown)} onBlur={onLeave}>
            <option value="">{words.choose}</option>
            {words.months.map((name, index) => <option key={name} value={String(index + 1)}>{name}</option>)}
          </select>
        </div>
        <div class="field"><label for={`${id}-d`} class="small">{words.day}</label>
          <input id={`${id}-d`} class="input" type="text" inputMode="numeric" maxLength={2} autocomplete={(birth ? 'bday-day' : 'off') as 'off'} aria-invalid={invalid} aria-describedby={describedBy} value={dayShown} onInput={(event) => put(year, bare(month), event.currentTarget.value.replace(/\D/g, ''))} onBlur={onLeave} />
        </div>
        <div class="field"><label for={`${id}-y`} class="small">{words.year}</label>
          <input id={`${id}-y`} class="input" type="text" inputMode="numeric" maxLength={4} autocomplete={(birth ? 'bday-year' : 'off') as 'off'} aria-invalid={invalid} aria-describedby={describedBy} value={year} onInput={(event) => put(event.currentTarget.value.replace(/\D/g, ''), bare(month), dayShown)} onBlur={onLeave} />
        </div>
      </div>
    </Group>
  );
}

function Table({ field, value, error, onChange, onLeave }: FieldProps) {
  const say = useToast();
  const latest = useRef<TableRow[]>([]);
  const columns = field.columns ?? [];
  const limit = field.max_rows ?? LIMITS.rows;
  const rows = Array.isArray(value) ? (value as TableRow[]) : [];
  latest.current = rows;
  const id = fieldId(field);
  const put = (next: TableRow[]) => onChange(next.length ? next : null);
  const add = () => {
    put([...rows, {}]);
    requestAnimationFrame(() => document.getElementById(`${id}-${rows.length}-0`)?.focus());
  };
  const remove = (at: number) => {
    const gone = rows[at];
    put(rows.filter((_, index) => index !== at));
    const filled = gone && Object.values(gone).some((cell) => cell.trim());
    if (filled) say(words.rowRemoved, { label: words.undo, run: () => onChange([...latest.current.slice(0, at), gone, ...latest.current.slice(at)]) });
    requestAnimationFrame(() => document.getElementById(`${id}-add`)?.focus());
  };
  return (
    <Group id={id} label={field.label} help={field.help} error={error} optional={!field.required}>
      {rows.length ? (
        <ol class="stack g3">
          {rows.map((row, index) => (
            <li class="card tablerow stack g3" key={index}>
              <div class="split"><span class="small strong soft">{words.row(index + 1)}</span><button type="button" class="btn quiet mini" onClick={() => remove(index)}><Icon name="bin" /><span>{words.removeRow(index + 1)}</span></button></div>
              <div class="grid tight">
                {columns.map((column, at) => (
                  <div class="field" key={column.id}>
                    <label class="small" for={`${id}-${index}-${at}`}>{column.label}<span class="hidden">, {words.row(index + 1)}</span></label>
                    <input id={`${id}-${index}-${at}`} class="input" type="text" dir="auto" autocomplete="off" value={row[column.id] ?? ''} onInput={(event) => put(rows.map((one, which) => (which === index ? { ...one, [column.id]: event.currentTarget.value } : one)))} onBlur={onLeave} />
                  </div>
                ))}
              </div>
            </li>
          ))}
        </ol>
      ) : null}
      {rows.length < limit
        ? <p><Button id={`${id}-add`} icon="plus" onClick={add}>{rows.length ? words.addAnother : words.addRow}</Button></p>
        : <p class="help">{words.rowsFull(limit)}</p>}
    </Group>
  );
}

function Info({ field }: FieldProps) {
  return (
    <div class="info-blocks stack g3">
      {field.label ? <h2>{field.label}</h2> : null}
      <Blocks blocks={field.text ?? []} level={field.label ? 3 : 2} />
    </div>
  );
}

function Agree({ field, value, error, onChange }: FieldProps) {
  const id = fieldId(field);
  const describedBy = [field.help ? `${id}-help` : '', error ? `${id}-error` : ''].filter(Boolean).join(' ');
  return (
    <div class={error ? 'field invalid' : 'field'}>
      {error ? <FieldError id={`${id}-error`} text={error} /> : null}
      <label class="choice">
        <input type="checkbox" id={id} checked={value === true} aria-required={field.required ? 'true' : undefined} aria-invalid={error ? 'true' : undefined} aria-describedby={describedBy || undefined} onChange={(event) => onChange(event.currentTarget.checked ? true : null)} />
        <span>{field.label}{field.required ? null : <> <span class="optional">{shared.optional}</span></>}</span>
      </label>
      {field.help ? <p class="help" id={`${id}-help`}>{field.help}</p> : null}
    </div>
  );
}

/** One question in the editor: a line when it is closed, its fields when it is open. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Badge, Button, Check, Icon, Note, TextField } from '../../ui/index.ts';
import { forms as strings } from '../../strings/forms.ts';
import type { Field, FormDefinition } from '../../types.ts';
import { fromText, toText } from './blocks.ts';
import { freeId, inWords, moved, replaced, tidy, without } from './editing.ts';

const words = strings.editor;

interface Props {
  form: FormDefinition; field: Field; place: string; flaws: string[]; open: boolean; first: boolean; last: boolean;
  onOpen: (open: boolean) => void; onMove: (by: -1 | 1) => void; onRemove: () => void; onChange: (field: Field) => void;
}

export function Question(props: Props) {
  const { form, field, place, flaws, open, first, last, onOpen, onMove, onRemove } = props;
  const ref = useRef<HTMLLIElement>(null);
  const by = useRef(0);
  // A moved question keeps the cursor on the button that moved it, or on the other one at the end of the list.
  useLayoutEffect(() => {
    if (!by.current) return;
    const [up, down] = [ref.current?.querySelector<HTMLElement>('[data-up]'), ref.current?.querySelector<HTMLElement>('[data-down]')];
    (by.current < 0 ? up ?? down : down ?? up)?.focus();
    by.current = 0;
  });
  const said = field.label || (field.type === 'info' ? toText(field.text).split('\n')[0]!.replace(/^# /u, '') : '') || words.untitled;
  const short = said.length > 110 ? `${said.slice(0, 107)}…` : said;
  const of = <span class="hidden">{words.of(short)}</span>;
  const move = (step: -1 | 1) => { by.current = step; onMove(step); };
  return (
    <li class={flaws.length ? 'question wrong' : 'question'} id={`question-${place}`} ref={ref}>
      <div class="split top">
        <div class="stack g1">
          <p class={field.label || field.type === 'info' ? '' : 'soft'}>{short}</p>
          <div class="badges">
            <Badge hollow>{words.types[field.type]}</Badge>
            {field.required && <Badge>{words.required}</Badge>}
            {field.worrying?.length ? <Badge tone="bad" hollow>{words.worrying}</Badge> : null}
            {field.when && <Badge tone="info" hollow>{words.condition}</Badge>}
          </div>
        </div>
        <div class="cluster g1 acts">
          {!first && <Button mini look="quiet" data-up onClick={() => move(-1)}>{words.up}{of}</Button>}
          {!last && <Button mini look="quiet" data-down onClick={() => move(1)}>{words.down}{of}</Button>}
          <Button mini icon={open ? 'check' : 'pen'} aria-expanded={open} onClick={() => onOpen(!open)}>{open ? words.close : words.open}{of}</Button>
        </div>
      </div>
      <Flaws list={flaws} />
      {open && (
        <div class="stack g4 opened">
          <Fields {...props} />
          {field.when && (
            <Note tone="info" action={<Button mini onClick={() => props.onChange(tidy({ ...field, when: null }))}>{words.dropCondition}</Button>}>
              <strong>{words.condition}.</strong> {words.conditionText(inWords(field.when, form))}
            </Note>
          )}
          {field.prefill && <p class="small soft">{words.prefill}</p>}
          <div><Button mini look="quiet" icon="bin" onClick={onRemove}>{words.remove}{of}</Button></div>
        </div>
      )}
    </li>
  );
}

const SILENT = ['info', 'signature'];

function Fields({ field, onChange }: Props) {
  const set = (more: Partial<Field>) => onChange(tidy({ ...field, ...more }));
  const number = (value: string): number | null => (/^-?\d+$/u.test(value.trim()) ? Number(value) : null);
  const id = `field-${field.id}`;
  if (field.type === 'info') return <TextBlocks id={id} label={words.text} rows={8} blocks={field.text} onChange={(text) => onChange({ ...field, text })} />;
  return (
    <>
      <TextField id={id} label={words.labelOf[field.type] ?? words.label} rows={2} maxLength={2000} value={field.label ?? ''} onInput={(label) => onChange({ ...field, label })} />
      {field.type === 'signature' ? <p class="small soft">{words.signatureHelp}</p> : (
        <TextField label={words.help} optional maxLength={2000} value={field.help ?? ''} onInput={(help) => set({ help })} />
      )}
      {(field.type === 'choice' || field.type === 'choices') && <Options field={field} onChange={onChange} />}
      {field.type === 'table' && <Columns field={field} onChange={onChange} />}
      {field.type === 'yesno' && <YesNo field={field} onChange={onChange} />}
      {field.type === 'scale' && [0, 1].map((end) => (
        <TextField key={end} label={words.ends[end]!} maxLength={200} value={field.ends?.[end] ?? ''} onInput={(text) => onChange({ ...field, ends: replaced([...(field.ends ?? ['', ''])], end, text) })} />
      ))}
      {field.type === 'number' && (
        <div class="grid tight">
          <TextField label={words.low} optional inputMode="numeric" maxLength={10} value={String(field.min ?? '')} onInput={(value) => set({ min: number(value) })} />
          <TextField label={words.high} optional inputMode="numeric" maxLength={10} value={String(field.max ?? '')} onInput={(value) => set({ max: number(value) })} />
        </div>
      )}
      {field.type === 'text' && (
        <div class="field">
          <label class="strong" for={`${id}-input`}>{words.input}</label>
          <select id={`${id}-input`} value={field.input ?? ''} onChange={(event) => set({ input: (event.currentTarget.value || null) as Field['input'] })}>
            {Object.entries(words.inputs).map(([value, label]) => <option key={value} value={value}>{label}</option>)}
          </select>
        </div>
      )}
      {(field.type === 'number' || field.type === 'scale') && field.worrying?.length ? <p class="small soft">{words.worryingKept}</p> : null}
      {!SILENT.includes(field.type) && (
        <div class="stack g2">
          <Check checked={Boolean(field.required)} onChange={(required) => set({ required })}>{words.required}</Check>
          <Check checked={Boolean(field.highlight)} onChange={(highlight) => set({ highlight })}>{words.highlight}</Check>
        </div>
      )}
    </>
  );
}

/** The possible answers: their words, their order, and which of them are safety answers. */
function Options({ field, onChange }: { field: Field; onChange: (field: Field) => void }) {
  const options = field.options ?? [];
  const worrying = (field.worrying ?? []) as string[];
  const set = (next: typeof options, marked = worrying) => onChange(tidy({ ...field, options: next, worrying: marked.filter((one) => next.some((option) => option.id === one)).length ? marked.filter((one) => next.some((option) => option.id === one)) : null }));
  return (
    <fieldset class="field">
      <legend>{words.options}</legend>
      <p class="help">{words.worryingHelp}</p>
      <ol class="stack g3 options">
        {options.map((option, at) => (
          <li key={option.id} class="optionrow">
            <TextField label={words.option(at + 1)} maxLength={200} value={option.label} onInput={(label) => set(replaced(options, at, { ...option, label }))} />
            <div class="cluster g2">
              <Check checked={worrying.includes(option.id)} onChange={(on) => set(options, on ? [...worrying, option.id] : worrying.filter((one) => one !== option.id))}>
                {words.worrying}<span class="hidden">{words.of(option.label || words.option(at + 1))}</span>
              </Check>
              {at > 0 && <Button mini look="quiet" onClick={() => set(moved(options, at, at - 1))}>{words.up}<span class="hidden">{words.of(option.label)}</span></Button>}
              {options.length > 2 && <Button mini look="quiet" onClick={() => set(without(options, at))}>{words.remove}<span class="hidden">{words.of(option.label)}</span></Button>}
            </div>
          </li>
        ))}
      </ol>
      <Button mini icon="plus" onClick={() => set([...options, { id: freeId('option', options.map((option) => option.id)), label: '' }])}>{words.addOption}</Button>
    </fieldset>
  );
}

function Columns({ field, onChange }: { field: Field; onChange: (field: Field) => void }) {
  const columns = field.columns ?? [];
  const set = (next: typeof columns) => onChange({ ...field, columns: next });
  return (
    <fieldset class="field">
      <legend>{words.columns}</legend>
      <ol class="stack g3 options">
        {columns.map((column, at) => (
          <li key={column.id} class="optionrow">
            <TextField label={words.column(at + 1)} maxLength={200} value={column.label} onInput={(label) => set(replaced(columns, at, { ...column, label }))} />
            {columns.length > 1 && <Button mini look="quiet" onClick={() => set(without(columns, at))}>{words.remove}<span class="hidden">{words.of(column.label)}</span></Button>}
          </li>
        ))}
      </ol>
      <div class="stack g3">
        <Button mini icon="plus" onClick={() => set([...columns, { id: freeId('column', columns.map((column) => column.id)), label: '' }])}>{words.addColumn}</Button>
        <TextField label={words.rows} short inputMode="numeric" maxLength={2} value={String(field.max_rows ?? '')} onInput={(value) => onChange(tidy({ ...field, max_rows: Number(value.replace(/\D/gu, '')) || null }))} />
      </div>
    </fieldset>
  );
}

function YesNo({ field, onChange }: { field: Field; onChange: (field: Field) => void }) {
  const now = field.worrying?.length ? String(field.worrying[0]) : '';
  return (
    <div class="field">
      <label class="strong" for={`field-${field.id}-worry`}>{words.worryingIf}</label>
      <p class="help" id={`field-${field.id}-worry-help`}>{words.worryingHelp}</p>
      <select
        id={`field-${field.id}-worry`} value={now} aria-describedby={`field-${field.id}-worry-help`}
        onChange={(event) => onChange(tidy({ ...field, worrying: event.currentTarget.value ? [event.currentTarget.value === 'true'] : null }))}
      >
        <option value="">{words.none}</option><option value="true">{words.yes}</option><option value="false">{words.no}</option>
      </select>
    </div>
  );
}

/* ---------- what the rest of the editor uses, too ---------- */

/** Blocks of text in one field. What is typed stays as typed until the field is left. */
export function TextBlocks({ id, label, help, blocks, rows, error, onChange }: {
  id: string; label: string; help?: string; blocks: FormDefinition['intro']; rows: number; error?: string | null; onChange: (blocks: NonNullable<FormDefinition['intro']>) => void;
}) {
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <TextField
      id={id} label={label} rows={rows} value={typed ?? toText(blocks)} error={error} maxLength={50_000} onBlur={() => setTyped(null)}
      help={<>{help ? `${help} ` : ''}{words.blocksHelp}</>} onInput={(value) => { setTyped(value); onChange(fromText(value)); }}
    />
  );
}

export function Flaws({ list }: { list: string[] }) {
  if (!list.length) return null;
  return <ul class="stack g1 flaws">{list.map((text) => <li key={text} class="error"><Icon name="alert" /><span>{text}</span></li>)}</ul>;
}

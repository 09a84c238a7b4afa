/** Choosing forms and writing the message of an invitation: for one client, and for many. */
import type { Problem } from '../../http.ts';
import { Button, Check, Field, Icon, Note, TextField } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { InviteTemplate, Oddity } from '../../types.ts';

const words = staff.inviting;

export interface Draft { forms: string[]; subject: string; message: string }

/** Where a sender starts: the forms that are usual, the words that are. */
export function startOf(template: InviteTemplate): Draft {
  return { forms: template.forms.filter((form) => form.selected).map((form) => form.form_id), subject: template.subject, message: template.message };
}

export function wrongs(draft: Draft, problem: Problem | null): Record<'forms' | 'subject' | 'message', string | null> {
  const said = (pointer: string) => problem?.faults.find((fault) => fault.pointer.startsWith(pointer))?.detail ?? null;
  return {
    forms: said('/form_ids'),
    subject: said('/subject') ?? (draft.subject.trim() ? null : words.subjectMissing),
    message: said('/message') ?? (draft.message.trim() ? null : words.messageMissing),
  };
}

export function ChooseForms({ template, chosen, error, onChange }: { template: InviteTemplate; chosen: string[]; error: string | null; onChange: (forms: string[]) => void }) {
  const picked = template.forms.filter((form) => chosen.includes(form.form_id));
  const off = template.forms_off && words.formsOff[template.forms_off];
  const toggle = (form_id: string, on: boolean) =>
    onChange(template.forms.map((form) => form.form_id).filter((id) => (id === form_id ? on : chosen.includes(id))));
  return (
    <section class="card">
      <fieldset class="field" id="invite-forms" tabIndex={-1} aria-describedby="invite-forms-help">
        <legend><h2>{words.steps.forms}</h2></legend>
        {off ? <div id="invite-forms-help"><Note tone="warn">{off}</Note></div> : <p class="help" id="invite-forms-help">{words.formsHelp}</p>}
        {error && <p class="error"><Icon name="alert" /><span>{error}</span></p>}
        <div class="stack g3">
          {template.forms.map((form) => (
            <div class="pick" key={form.form_id}>
              <Check checked={chosen.includes(form.form_id)} onChange={(on) => toggle(form.form_id, on)}>
                <span class="strong">{form.title}</span><br /><span class="small soft">{words.minutes(form.minutes)}</span>
              </Check>
              <a class="small" href={`/staff/forms/${form.form_id}`} target="_blank" rel="noopener">{words.preview}<span class="hidden">{words.previewOf(form.title)}</span></a>
            </div>
          ))}
        </div>
        <p class="small soft num" role="status">{words.total(picked.length, picked.reduce((sum, form) => sum + form.minutes, 0))}</p>
      </fieldset>
    </section>
  );
}

interface MessageProps {
  template: InviteTemplate; draft: Draft; first: Draft; subjectError: string | null; messageError: string | null; onChange: (next: Partial<Draft>) => void;
}

export function WriteMessage({ template, draft, first, subjectError, messageError, onChange }: MessageProps) {
  const insert = (name: string) => {
    const area = document.getElementById('invite-message') as HTMLTextAreaElement | null;
    const [from, to] = area ? [area.selectionStart, area.selectionEnd] : [draft.message.length, draft.message.length];
    onChange({ message: draft.message.slice(0, from) + name + draft.message.slice(to) });
    requestAnimationFrame(() => {
      area?.focus();
      area?.setSelectionRange(from + name.length, from + name.length);
    });
  };
  const touched = draft.subject !== first.subject || draft.message !== first.message;
  return (
    <section class="card stack g4">
      <div class="split">
        <h2>{words.steps.message}</h2>
        {touched && <Button look="quiet" mini onClick={() => onChange({ subject: first.subject, message: first.message })}>{words.reset}</Button>}
      </div>
      {template.saved.length > 0 && (
        <Field id="invite-saved" label={words.saved} help={words.savedHelp}>
          {(wiring) => (
            <select {...wiring} value="" onChange={(event) => { const one = template.saved.find((each) => each.wording_id === event.currentTarget.value); if (one) onChange({ subject: one.subject, message: one.message }); event.currentTarget.value = ''; }}>
              <option value="">{words.savedPick}</option>
              {template.saved.map((one) => <option key={one.wording_id} value={one.wording_id}>{one.usual ? words.savedUsual(one.name) : one.name}</option>)}
            </select>
          )}
        </Field>
      )}
      <TextField id="invite-subject" label={words.subject} value={draft.subject} maxLength={200} error={subjectError} onInput={(subject) => onChange({ subject })} />
      <TextField id="invite-message" label={words.message} help={words.privacy} value={draft.message} rows={11} maxLength={5000} error={messageError} onInput={(message) => onChange({ message })} />
      <div class="stack g2" role="group" aria-labelledby="placeholders">
        <p class="small strong" id="placeholders">{words.placeholders}</p>
        <p class="tiny soft">{words.placeholdersHelp}</p>
        <div class="chips">
          {template.placeholders.map((name) => (
            <button type="button" class="chip mono" key={name} aria-label={words.insert(name)} onClick={() => insert(name)}>{name}</button>
          ))}
        </div>
      </div>
    </section>
  );
}

/** What is odd about what will be sent, to be looked at once more; nothing of it stops the sender. */
export function Odd({ oddities }: { oddities: Oddity[] }) {
  if (oddities.length === 0) return null;
  return (
    <Note tone="warn">
      <strong>{words.oddTitle}</strong>
      <ul class="dots">{oddities.map((one) => <li key={one.code + one.what}>{(words.odd[one.code] ?? words.oddOther)(one.what)}</li>)}</ul>
    </Note>
  );
}

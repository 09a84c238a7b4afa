/** What happened outside the portal: a form signed on paper with its scan, a notice that was not acknowledged. */
import { useRef, useState } from 'preact/hooks';
import { api, asProblem, call, newKey, Problem } from '../../http.ts';
import { Button, Dialog, Field, FileField, Group, TextField, useAct, useLoad } from '../../ui/index.ts';
import { client as clientWords } from '../../strings/client.ts';
import { forms as strings } from '../../strings/forms.ts';
import { Failed } from '../parts.tsx';

const words = strings.packet;

interface Props { client_id: string; intake_id: string | null; form: { form_id: string; title: string }; onDone: (told: string) => void }

/* ---------- a notice that was not acknowledged ---------- */

const REASONS = ['declined', 'emergency', 'unable', 'other'] as const;

export function RefusalDialog({ client_id, intake_id, form, onDone }: Props) {
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState<(typeof REASONS)[number] | null>(null);
  const [note, setNote] = useState('');
  const [tried, setTried] = useState(false);
  const key = useRef('');
  const act = useAct(async () => {
    setTried(true);
    if (!reason) return;
    const params = { path: { client_id }, header: { 'Idempotency-Key': key.current } };
    await call(api.POST('/practice/clients/{client_id}/notices', { params, body: { form_id: form.form_id, intake_id, reason, note: note.trim() } }));
    setOpen(false);
    onDone(words.recorded);
  });
  const shut = () => { if (!act.busy) setOpen(false); };
  const ask = () => { key.current = newKey(); setTried(false); act.clear(); setOpen(true); };
  return (
    <>
      <Button mini look="quiet" onClick={ask}>{words.refusal}<span class="hidden">: {form.title}</span></Button>
      <Dialog
        open={open} onClose={shut} title={words.refusalTitle}
        actions={<><Button look="primary" busy={act.busy} busyLabel={words.recording} onClick={() => void act.run()}>{words.recordYes}</Button><Button look="quiet" onClick={shut}>{words.cancel}</Button></>}
      >
        <p class="soft small">{words.refusalText}</p>
        <Group label={words.why} error={tried && !reason ? words.whyMissing : null}>
          <div class="stack g2">
            {REASONS.map((one) => <label class="check" key={one}><input type="radio" name="refusal" checked={reason === one} onChange={() => setReason(one)} /><span>{words.reason[one]}</span></label>)}
          </div>
        </Group>
        <TextField label={words.words} help={words.wordsHelp} rows={3} maxLength={1000} value={note} onInput={setNote} />
        <Failed problem={act.problem} />
      </Dialog>
    </>
  );
}

/* ---------- signed on paper ---------- */

const RELATIONS = ['self', 'parent', 'guardian', 'other'] as const;

/** Posts the file where the ticket says, waits until it was looked at, and gives its id. Throws a `Problem`. */
async function upload(client_id: string, file: File): Promise<string> {
  const path = { client_id };
  const ticket = await call(api.POST('/practice/clients/{client_id}/uploads', { params: { path }, body: { name: file.name, size: file.size, purpose: 'paper_form', category: 'other', shared: false } }));
  const form = new FormData();
  for (const { name, value } of ticket.fields) form.append(name, value);
  form.append('file', file);
  const posted = await fetch(ticket.url, { method: 'POST', body: form }).catch(() => null);
  if (!posted?.ok) throw new Problem({ status: 0, code: 'network', title: words.failed });
  const at = { params: { path: { client_id, upload_id: ticket.upload_id } } };
  let now = await call(api.POST('/practice/clients/{client_id}/uploads/{upload_id}/finish', at));
  for (let turn = 0; turn < 60 && now.status === 'checking'; turn += 1) {
    await new Promise((done) => setTimeout(done, 1000));
    now = await call(api.GET('/practice/clients/{client_id}/uploads/{upload_id}', at));
  }
  if (now.status !== 'clean') throw new Problem({ status: 422, code: 'scan_refused', title: words.scanRefused });
  return ticket.upload_id;
}

export function PaperDialog({ client_id, intake_id, form, onDone }: Props) {
  const [open, setOpen] = useState(false);
  const [by, setBy] = useState('');
  const [as, setAs] = useState<(typeof RELATIONS)[number]>('self');
  const [on, setOn] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const [tried, setTried] = useState(false);
  const done = useRef<{ key: string; file: File | null; upload_id: string }>({ key: '', file: null, upload_id: '' });
  const act = useAct(async () => {
    setTried(true);
    if (by.trim().length < 2 || !on || !file) return;
    // A file that was looked at already is not sent a second time when only the rest failed.
    if (done.current.file !== file) done.current = { ...done.current, file, upload_id: await upload(client_id, file) };
    const params = { path: { client_id }, header: { 'Idempotency-Key': done.current.key } };
    const body = { form_id: form.form_id, intake_id, signed_by: by.trim(), relationship: as, signed_on: on, upload_id: done.current.upload_id };
    try {
      await call(api.POST('/practice/clients/{client_id}/paper-forms', { params, body }));
    } catch (cause) {
      done.current.key = newKey();
      throw asProblem(cause);
    }
    setOpen(false);
    onDone(words.recorded);
  });
  const shut = () => { if (!act.busy) setOpen(false); };
  const ask = () => { done.current = { key: newKey(), file: null, upload_id: '' }; setTried(false); act.clear(); setOpen(true); };
  const missing = (empty: boolean, text: string) => (tried && empty ? text : null);
  return (
    <>
      <Button mini look="quiet" onClick={ask}>{words.paper}<span class="hidden">: {form.title}</span></Button>
      <Dialog
        open={open} onClose={shut} title={words.paperTitle}
        actions={<><Button look="primary" busy={act.busy} busyLabel={words.checking} onClick={() => void act.run()}>{words.recordYes}</Button><Button look="quiet" onClick={shut}>{words.cancel}</Button></>}
      >
        <p class="soft small"><strong>{form.title}.</strong> {words.paperText}</p>
        <TextField label={words.paperBy} help={words.paperByHelp} value={by} maxLength={200} error={missing(by.trim().length < 2, words.paperMissing.by)} onInput={setBy} />
        <Field label={words.paperAs} help={words.paperAsHelp}>
          {(wiring) => (
            <select {...wiring} value={as} onChange={(event) => setAs(event.currentTarget.value as typeof as)}>
              {RELATIONS.map((one) => <option key={one} value={one}>{clientWords.sign.relationships[one]}</option>)}
            </select>
          )}
        </Field>
        <TextField label={words.paperOn} help={words.paperOnHelp} type="date" short value={on} error={act.problem?.at('/signed_on')?.detail ?? missing(!on, words.paperMissing.on)} onInput={setOn} />
        <FileField
          id={`paper-scan-${form.form_id}`} label={words.paperScan} help={words.paperScanHelp} error={missing(!file, words.paperMissing.scan)}
          accept="application/pdf,image/jpeg,image/png,image/heic" file={file} onPick={setFile}
        />
        {!act.problem?.at('/signed_on') && <Failed problem={act.problem} />}
      </Dialog>
    </>
  );
}

/* ---------- without a packet ---------- */

/** For a form that was never sent: pick it, then say what happened. It gets a packet of its own that is complete. */
export function Outside({ client_id, onDone }: { client_id: string; onDone: (told: string) => void }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="inset ruled" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="small">{words.outside}</summary>
      {open && <Choice client_id={client_id} onDone={onDone} />}
    </details>
  );
}

function Choice({ client_id, onDone }: { client_id: string; onDone: (told: string) => void }) {
  const library = useLoad(() => call(api.GET('/practice/forms')), []);
  const [form_id, setForm] = useState('');
  const published = (library.data?.items ?? []).filter((form) => form.version > 0);
  const form = published.find((one) => one.form_id === form_id) ?? published[0];
  if (!form) return library.problem ? <Failed problem={library.problem} lead={words.outsideFailed} /> : null;
  return (
    <div class="stack g3">
      <p class="small soft">{words.outsideText}</p>
      <Field label={words.outsideForm}>
        {(wiring) => <select {...wiring} value={form.form_id} onChange={(event) => setForm(event.currentTarget.value)}>{published.map((one) => <option key={one.form_id} value={one.form_id}>{one.title}</option>)}</select>}
      </Field>
      <div class="cluster g2">
        <PaperDialog key={`p-${form.form_id}`} client_id={client_id} intake_id={null} form={form} onDone={onDone} />
        {form.purpose === 'notice' && <RefusalDialog key={`r-${form.form_id}`} client_id={client_id} intake_id={null} form={form} onDone={onDone} />}
      </div>
    </div>
  );
}

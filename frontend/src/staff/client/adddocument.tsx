/** Putting a file under General Documents: chosen, named, sent, checked, and filed when it is clean. */
import { useState } from 'preact/hooks';
import { api, BACKGROUND, call } from '../../http.ts';
import { shared } from '../../strings/shared.ts';
import { staff } from '../../strings/staff.ts';
import { Button, Check, Dialog, Field, FileField, Note, TextField, useAct } from '../../ui/index.ts';
import { ACCEPT, refusal, sendFile, unfit } from '../../upload.ts';
import { Failed } from '../parts.tsx';

const words = staff.documents;
const KINDS = ['letter', 'referral', 'insurance_card_front', 'insurance_card_back', 'identification', 'other'] as const;
type Kind = (typeof KINDS)[number];

export function AddDocument({ client_id, onAdded }: { client_id: string; onAdded: (title: string) => Promise<void> }) {
  const [open, setOpen] = useState(false);
  const [file, setFile] = useState<File | null>(null);
  const [kind, setKind] = useState<Kind>('letter');
  const [title, setTitle] = useState('');
  const [share, setShare] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const path = { client_id };
  const close = () => { setOpen(false); setFile(null); setTitle(''); setShare(false); setFault(null); send.clear(); };
  const send = useAct(async () => {
    const wrong = unfit(file);
    setFault(wrong);
    if (wrong || !file) return;
    const done = await sendFile(file, {
      begin: (about) => call(api.POST('/practice/clients/{client_id}/uploads', { params: { path }, body: { ...about, purpose: 'document', category: kind, title: title.trim() || null, shared: share } })),
      finish: (upload_id) => call(api.POST('/practice/clients/{client_id}/uploads/{upload_id}/finish', { params: { path: { ...path, upload_id } } })),
      read: (upload_id) => call(api.GET('/practice/clients/{client_id}/uploads/{upload_id}', { params: { path: { ...path, upload_id } }, headers: BACKGROUND })),
    });
    const why = refusal(done);
    if (why && done.status !== 'checking') return setFault(why);
    close();
    await onAdded(why ?? words.added(title.trim() || words.kinds[kind]!));
  });
  return (
    <>
      <Button icon="upload" onClick={() => setOpen(true)}>{words.add}</Button>
      <Dialog
        open={open} onClose={() => { if (!send.busy) close(); }} title={words.add}
        actions={<><Button look="primary" busy={send.busy} busyLabel={words.adding} onClick={() => void send.run()}>{words.addYes}</Button><Button onClick={close} disabled={send.busy}>{words.cancel}</Button></>}
      >
        <p class="small soft">{words.addHelp}</p>
        <FileField id="u-file" label={words.file} help={shared.upload.help} accept={ACCEPT} file={file} error={fault} onPick={(picked) => { setFile(picked); setFault(picked ? unfit(picked) : null); }} />
        <Field label={words.what} id="u-kind">
          {(wiring) => <select {...wiring} value={kind} onChange={(event) => setKind(event.currentTarget.value as Kind)}>{KINDS.map((one) => <option key={one} value={one}>{words.kinds[one]}</option>)}</select>}
        </Field>
        <TextField id="u-title" label={words.name} optional value={title} maxLength={120} onInput={setTitle} />
        <div class="stack g1"><Check checked={share} onChange={setShare}>{words.shareWith}</Check><p class="tiny soft">{words.shareHelp}</p></div>
        {send.problem && <Failed problem={send.problem} lead={words.addFailed} />}
        {send.busy && <Note live>{words.adding}</Note>}
      </Dialog>
    </>
  );
}

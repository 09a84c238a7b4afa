/** A client sends a paper: the insurance card by the phone's camera, or a file. */
import { useState } from 'preact/hooks';
import { api, BACKGROUND, call } from '../http.ts';
import { client } from '../strings/client.ts';
import { shared } from '../strings/shared.ts';
import { Button, Field, FileField, Note, ProblemNote, TextField, useAct } from '../ui/index.ts';
import { ACCEPT, refusal, sendFile, unfit } from '../upload.ts';

const words = client.documents;
const KINDS = ['insurance_card_front', 'insurance_card_back', 'identification', 'other'] as const;
type Kind = (typeof KINDS)[number];

export function SendDocument({ onSent }: { onSent: () => Promise<void> }) {
  const [kind, setKind] = useState<Kind>('insurance_card_front');
  const [title, setTitle] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [told, setTold] = useState('');
  const [turn, setTurn] = useState(0); // a new input each time: the same photo can be chosen again
  const send = useAct(async () => {
    setTold('');
    const wrong = unfit(file);
    setFault(wrong);
    if (wrong || !file) return;
    const name = kind === 'other' ? title.trim() || null : null;
    const done = await sendFile(file, {
      begin: (about) => call(api.POST('/portal/uploads', { body: { ...about, category: kind, title: name } })),
      finish: (upload_id) => call(api.POST('/portal/uploads/{upload_id}/finish', { params: { path: { upload_id } } })),
      read: (upload_id) => call(api.GET('/portal/uploads/{upload_id}', { params: { path: { upload_id } }, headers: BACKGROUND })),
    });
    const why = refusal(done);
    if (done.status === 'refused') return setFault(why);
    setTold(why ?? words.sent(name ?? words.kinds[kind]!));
    setFile(null);
    setTitle('');
    setTurn((n) => n + 1);
    if (kind === 'insurance_card_front') setKind('insurance_card_back');
    await onSent();
  });
  return (
    <section class="card stack g4" aria-labelledby="send">
      <div class="stack g1"><h2 id="send">{words.sendTitle}</h2><p class="small soft">{words.sendLead}</p></div>
      <Field label={words.what} id="s-kind">
        {(wiring) => <select {...wiring} value={kind} onChange={(event) => setKind(event.currentTarget.value as Kind)}>{KINDS.map((one) => <option key={one} value={one}>{words.kinds[one]}</option>)}</select>}
      </Field>
      {kind === 'other' && <TextField id="s-title" label={words.name} help={words.nameHelp} optional value={title} maxLength={120} onInput={setTitle} />}
      <FileField key={turn} id="s-file" label={words.file} help={shared.upload.help} accept={ACCEPT} file={file} error={fault} onPick={(picked) => { setFile(picked); setFault(picked ? unfit(picked) : null); setTold(''); }} />
      <ProblemNote problem={send.problem} />
      {told && <Note tone="good" live>{told}</Note>}
      <div><Button look="primary" icon="upload" busy={send.busy} busyLabel={words.sendingFile} onClick={() => void send.run()}>{words.send}</Button></div>
    </section>
  );
}

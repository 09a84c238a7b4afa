/** One packet of forms as staff see it, and what they can do with it: remind, take back, record what happened on paper. */
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Badge, Button, Dialog, LinkButton, calendarDate, useAct } from '../../ui/index.ts';
import { forms as strings } from '../../strings/forms.ts';
import { staff } from '../../strings/staff.ts';
import type { SentForm, SentIntake } from '../../types.ts';
import { Failed } from '../parts.tsx';
import { momentInSentence } from '../when.ts';
import { PaperDialog, RefusalDialog } from './outside.tsx';

const words = strings.packet;

interface Props {
  intake: SentIntake; client_id: string;
  /** What this person may do with it; nothing when they only look. */
  may?: { send: boolean; takeBack: boolean; invited: boolean };
  onDone?: (told: string) => void;
}

const STATE: Record<SentIntake['status'], ['warn' | 'good' | 'plain', boolean]> = { open: ['warn', true], completed: ['good', false], revoked: ['plain', false] };

/** What was sent, what came back. Answers stay with the client until signed. */
export function Packet({ intake, client_id, may, onDone }: Props) {
  const { tenant } = useSession();
  const [tone, hollow] = STATE[intake.status];
  const open = intake.status === 'open';
  const sealed = intake.forms.some((form) => form.status === 'sealed' || form.status === 'signed');
  return (
    <li class="packetrow">
      <div class="stack g3">
        <div class="split">
          <div class="stack g1">
            <p class="strong">{intake.completed_at && intake.status === 'completed' ? staff.overview.completed(momentInSentence(intake.completed_at, tenant.zone)) : staff.overview.openForms(intake.signed, intake.of)}</p>
            <p class="tiny soft">{staff.overview.sent(momentInSentence(intake.sent_at, tenant.zone), intake.sent_by_name)}</p>
            {intake.reminders > 0 && intake.reminded_at && <p class="tiny soft">{words.reminded(intake.reminders, momentInSentence(intake.reminded_at, tenant.zone))}</p>}
            {intake.note && <p class="small soft pre">{words.note(intake.note)}</p>}
          </div>
          <Badge tone={tone} hollow={hollow}>{staff.intakeState[intake.status]}</Badge>
        </div>
        <ul class="formlist small">
          {intake.forms.map((form) => <Line key={form.form_id} form={form} intake={intake} client_id={client_id} may={may} onDone={onDone} />)}
        </ul>
        {intake.status === 'completed' && sealed
          ? <p><LinkButton mini icon="form" href={`/staff/clients/${client_id}/intakes/${intake.intake_id}`}>{staff.overview.summary}</LinkButton></p>
          : open && <p class="tiny soft">{staff.overview.hiddenUntil}</p>}
        {open && may && onDone && !may.invited && (
          <div class="cluster g2">
            {may.send && <Remind intake={intake} client_id={client_id} onDone={onDone} />}
            {may.takeBack && intake.of - intake.signed > 1 && <TakeBack intake={intake} client_id={client_id} form={null} onDone={onDone} />}
          </div>
        )}
      </div>
    </li>
  );
}

function Line({ form, intake, client_id, may, onDone }: Props & { form: SentForm }) {
  const { tenant } = useSession();
  const when = form.signed_at ? staff.overview.signedOn(momentInSentence(form.signed_at, tenant.zone)) : words.state[form.status]!;
  const settled = form.settled_at && form.settled_by_name ? words.settled(form.settled_by_name, momentInSentence(form.settled_at, tenant.zone)) : null;
  const open = intake.status === 'open' && form.status === 'to_do' && may && onDone;
  return (
    <li class="stack g1">
      <div class="split">
        {form.document_id ? <a href={`/staff/clients/${client_id}/documents/${form.document_id}`}>{form.title}</a> : <span>{form.title}</span>}
        <span class="tiny soft">{form.paper ? `${when}, ${calendarDate(form.paper.signed_on)}, ${form.paper.signed_by}` : when}</span>
      </div>
      {settled && <p class="tiny soft">{form.refusal ? `${words.reason[form.refusal.reason]}. ` : ''}{settled}</p>}
      {form.refusal?.note && <p class="small pre">{form.refusal.note}</p>}
      {open && (
        <div class="cluster g1 formacts">
          {may.takeBack && !may.invited && <TakeBack intake={intake} client_id={client_id} form={form} onDone={onDone} />}
          <PaperDialog client_id={client_id} intake_id={intake.intake_id} form={form} onDone={onDone} />
          {form.notice && <RefusalDialog client_id={client_id} intake_id={intake.intake_id} form={form} onDone={onDone} />}
        </div>
      )}
    </li>
  );
}

function Remind({ intake, client_id, onDone }: { intake: SentIntake; client_id: string; onDone: (told: string) => void }) {
  const key = useRef('');
  const act = useAct(async () => {
    key.current ||= newKey();
    const params = { path: { client_id, intake_id: intake.intake_id }, header: { 'Idempotency-Key': key.current } };
    await call(api.POST('/practice/clients/{client_id}/intakes/{intake_id}/reminders', { params }));
    key.current = '';
    onDone(words.remindDone);
  });
  return (
    <>
      <Button mini icon="mail" busy={act.busy} busyLabel={words.reminding} onClick={() => void act.run()}>{words.remind}</Button>
      <Failed problem={act.problem} />
    </>
  );
}

function TakeBack({ intake, client_id, form, onDone }: { intake: SentIntake; client_id: string; form: SentForm | null; onDone: (told: string) => void }) {
  const [asking, setAsking] = useState(false);
  const path = { client_id, intake_id: intake.intake_id };
  const act = useAct(async () => {
    await call(form
      ? api.POST('/practice/clients/{client_id}/intakes/{intake_id}/forms/{form_id}/revoke', { params: { path: { ...path, form_id: form.form_id } } })
      : api.POST('/practice/clients/{client_id}/intakes/{intake_id}/revoke', { params: { path } }));
    setAsking(false);
    onDone(words.takenBack);
  });
  const shut = () => { if (!act.busy) setAsking(false); };
  const changed = act.problem?.status === 409;
  return (
    <>
      <Button mini look="quiet" onClick={() => { act.clear(); setAsking(true); }}>{form ? <>{words.takeBack}<span class="hidden">: {form.title}</span></> : words.takeBackAll}</Button>
      <Dialog
        open={asking} onClose={shut} title={form ? words.takeBackTitle(form.title) : words.takeBackAllTitle}
        actions={changed
          ? <Button onClick={() => { setAsking(false); onDone(words.changed); }}>{words.look}</Button>
          : <><Button look="danger" busy={act.busy} busyLabel={words.takingBack} onClick={() => void act.run()}>{words.takeBackYes}</Button><Button look="quiet" onClick={shut}>{words.keep}</Button></>}
      >
        <p class="soft">{words.takeBackText}</p>
        <Failed problem={act.problem} />
      </Dialog>
    </>
  );
}

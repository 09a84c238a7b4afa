/** Inviting a client: choose forms, write the message, see exactly what is mailed, confirm, send once. */
import { useLocation, useRoute } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, call, newKey, type Problem } from '../../http.ts';
import { useSession } from '../../session.tsx';
import {
  Button, Dialog, ErrorSummary, Facts, Heading, Icon, LinkButton, Note, dayAndTime, useAct, useDraft, useLoad, type Wrong,
} from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { Client, Invite, InviteBody, InvitePreview, InviteTemplate } from '../../types.ts';
import { HeldBack, useCountdown } from '../inviting/hold.tsx';
import { ChooseForms, Odd, startOf, WriteMessage, wrongs, type Draft } from '../inviting/write.tsx';
import { Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';

const words = staff.inviting;

interface Setup { client: Client; template: InviteTemplate | null }

async function fetchSetup(client_id: string): Promise<Setup> {
  const path = { client_id };
  const client = await call(api.GET('/practice/clients/{client_id}', { params: { path } }));
  // Whoever cannot be invited has no template to offer: the page explains instead.
  if (!client.can_invite.allowed) return { client, template: null };
  return { client, template: await call(api.GET('/practice/clients/{client_id}/invites/template', { params: { path } })) };
}

export function InvitePage() {
  const { client_id } = useRoute().params as { client_id: string };
  const setup = useLoad(() => fetchSetup(client_id), [client_id]);
  return (
    <Ready of={setup} bones={<RecordBones />} missing={{ title: staff.client.notFoundTitle, text: staff.client.notFound }}>
      {({ client, template }) => (
        <>
          <Crumbs items={[[staff.clients.title, '/staff/clients'], [client.name, `/staff/clients/${client.client_id}`], words.crumb]} />
          {template ? <Inviting key={client_id} client={client} template={template} /> : <Refused client={client} code={client.can_invite.reason} />}
        </>
      )}
    </Ready>
  );
}

/** Why this client cannot be invited, and what to do about it. */
function Refused({ client, code, title }: { client: Client; code: string | null; title?: string }) {
  const joined = code === 'already_active' || code === 'already_invited';
  return (
    <>
      <Heading>{words.title(client.name)}</Heading>
      <section class="card"><div class="empty" role="status">
        <span class="glyph"><Icon name={joined ? 'info' : 'lock'} /></span>
        <h2>{(code && staff.refusal.title[code]) || title || client.can_invite.title || staff.refusal.other}</h2>
        <p class="small">{(code && staff.refusal.text[code]) || ''}</p>
        <LinkButton look="primary" href={`/staff/clients/${client.client_id}${joined ? '/portal' : ''}`}>{joined ? words.toPortal : words.toClient}</LinkButton>
      </div></section>
    </>
  );
}

const STATES = ['no_email', 'email_in_use', 'address_suppressed', 'daily_cap', 'already_active', 'already_invited', 'client_archived', 'feature_switched_off', 'feature_not_in_plan', 'forbidden'];

/** The state that a refusal names, or null when trying again may help. */
function refusalOf(problem: Problem | null): string | null {
  if (!problem || !STATES.includes(problem.code)) return null;
  if (problem.faults.length) return null; // only a part of it is refused: the forms, which can be left out
  if (problem.code.startsWith('feature_')) return 'feature_off';
  return problem.code === 'forbidden' ? 'no_permission' : problem.code;
}

function Inviting({ client, template }: { client: Client; template: InviteTemplate }) {
  const session = useSession();
  const first = startOf(template);
  const [draft, setDraft, dropDraft] = useDraft<Draft>(session.person.id, `invite:${client.client_id}`, first);
  const [preview, setPreview] = useState<InvitePreview | null>(null);
  const [sent, setSent] = useState<Invite | null>(null);
  const [refused, setRefused] = useState<Problem | null>(null);
  // A draft may be older than the list of forms: what is gone from the list is not sent.
  const offered = template.forms.map((form) => form.form_id);
  const body: InviteBody = { form_ids: draft.forms.filter((id) => offered.includes(id)), subject: draft.subject, message: draft.message };
  if (sent) return <Sent client={client} invite={sent} seconds={template.hold_seconds} />;
  if (refused) return <Refused client={client} code={refusalOf(refused)} title={refused.title} />;
  if (preview) {
    return (
      <Previewed
        client={client} template={template} preview={preview} body={body} onBack={() => setPreview(null)} onRefused={setRefused}
        onSent={(invite) => { dropDraft(); setSent(invite); }}
      />
    );
  }
  return <Writing client={client} template={template} draft={{ ...draft, forms: body.form_ids }} first={first} onDraft={setDraft} onPreview={setPreview} onRefused={setRefused} />;
}

interface WritingProps {
  client: Client; template: InviteTemplate; draft: Draft; first: Draft;
  onDraft: (draft: Draft) => void; onPreview: (preview: InvitePreview) => void; onRefused: (problem: Problem) => void;
}

function Writing({ client, template, draft, first, onDraft, onPreview, onRefused }: WritingProps) {
  const [turn, setTurn] = useState(0);
  const act = useAct(async () => {
    const blank = !draft.subject.trim() || !draft.message.trim();
    setTurn((n) => n + 1);
    if (blank) return;
    try {
      const body = { form_ids: draft.forms, subject: draft.subject, message: draft.message };
      onPreview(await call(api.POST('/practice/clients/{client_id}/invites/preview', { params: { path: { client_id: client.client_id } }, body })));
    } catch (cause) {
      if (refusalOf(cause as Problem)) onRefused(cause as Problem);
      else {
        setTurn((n) => n + 1);
        throw cause;
      }
    }
  });
  const change = (next: Partial<Draft>) => {
    act.clear();
    onDraft({ ...draft, ...next });
  };
  const wrong = wrongs(draft, act.problem);
  const shown = turn > 0 ? wrong : { forms: null, subject: null, message: null };
  const list: Wrong[] = (['forms', 'subject', 'message'] as const).flatMap((id) => (shown[id] ? [{ id: `invite-${id}`, text: shown[id] }] : []));
  return (
    <>
      <div class="stack g1">
        <Heading move="write">{words.title(client.name)}</Heading>
        <p class="soft">{words.intro(client.email ?? '')}</p>
      </div>
      <ErrorSummary wrong={list} turn={turn} title={words.errorsTitle} />
      <div class="invitegrid">
        <ChooseForms template={template} chosen={draft.forms} error={shown.forms} onChange={(forms) => change({ forms })} />
        <WriteMessage template={template} draft={draft} first={first} subjectError={shown.subject} messageError={shown.message} onChange={change} />
      </div>
      {act.problem && !act.problem.faults.length && act.problem.status !== 422 && <Failed problem={act.problem} />}
      <div class="cluster g2">
        <Button look="primary" busy={act.busy} busyLabel={words.previewing} onClick={() => void act.run()}>{words.toPreview}</Button>
        <LinkButton look="quiet" href={`/staff/clients/${client.client_id}`}>{words.leave}</LinkButton>
      </div>
    </>
  );
}

interface PreviewedProps {
  client: Client; template: InviteTemplate; preview: InvitePreview; body: InviteBody;
  onBack: () => void; onSent: (invite: Invite) => void; onRefused: (problem: Problem) => void;
}

function Previewed({ client, template, preview, body, onBack, onSent, onRefused }: PreviewedProps) {
  const [asking, setAsking] = useState(false);
  // One key for what is on this page: a second press, or trying again after silence, is the same act.
  const key = useRef(newKey());
  const send = useAct(async () => {
    try {
      const path = { client_id: client.client_id };
      onSent(await call(api.POST('/practice/clients/{client_id}/invites', { params: { path, header: { 'Idempotency-Key': key.current } }, body: { ...body, hold: true } })));
    } catch (cause) {
      if (refusalOf(cause as Problem)) onRefused(cause as Problem);
      else throw cause;
    }
  });
  const minutes = (form_id: string) => template.forms.find((form) => form.form_id === form_id)?.minutes;
  const forms = preview.forms.length === 0 ? <p class="soft">{words.noForms}</p> : (
    <ul class="stack g1">
      {preview.forms.map((form) => <li key={form.form_id}>{form.title} <span class="soft nb">{words.minutes(minutes(form.form_id) ?? 0)}</span></li>)}
    </ul>
  );
  const shut = () => { if (!send.busy) setAsking(false); };
  return (
    <>
      <div class="stack g1">
        <Heading move="preview" title={words.previewTitle}>{words.previewTitle}</Heading>
        <p class="soft">{words.previewHelp}</p>
      </div>
      <Odd oddities={preview.oddities} />
      <div class="beside">
        <article class="card flush letter" aria-label={words.previewTitle}>
          <div class="cardhead"><Facts rows={[[words.to, <>{preview.name}<br /><span class="soft">{preview.to}</span></>], [words.subject, <span class="strong">{preview.subject}</span>]]} /></div>
          <p class="mail">{preview.text}</p>
        </article>
        <aside class="card stack g3"><h2>{words.formsInside}</h2><div class="small">{forms}</div></aside>
      </div>
      <div class="cluster g2">
        <Button look="primary" icon="send" onClick={() => { send.clear(); setAsking(true); }}>{words.send}</Button>
        <Button look="quiet" onClick={onBack}>{words.back}</Button>
      </div>
      <Dialog
        open={asking}
        onClose={shut}
        title={words.confirmTitle}
        actions={<>
          <Button look="primary" busy={send.busy} busyLabel={words.sending} onClick={() => void send.run()}>{send.problem?.passing ? words.again : words.confirmYes}</Button>
          <Button look="quiet" onClick={shut}>{words.confirmNo}</Button>
        </>}
      >
        <p class="soft small">{words.confirmText}</p>
        <Facts rows={[[words.name, <span class="strong">{preview.name}</span>], [words.address, <span class="strong">{preview.to}</span>], [words.confirmForms, forms]]} />
        <Odd oddities={preview.oddities} />
        <p class="tiny soft num">{words.leftToday(preview.left_today)}</p>
        {send.problem && <Failed problem={send.problem} lead={send.problem.status === 0 || send.problem.status >= 500 ? words.unknown : words.failed} />}
      </Dialog>
    </>
  );
}

function Sent({ client, invite, seconds }: { client: Client; invite: Invite; seconds: number }) {
  const { tenant } = useSession();
  const { route } = useLocation();
  const [back, setBack] = useState(false);
  const left = useCountdown(invite.held_until ? seconds : 0);
  const title = left > 0 ? words.heldTitle : words.sentTitle;
  const base = `/staff/clients/${client.client_id}`;
  if (back) {
    return (
      <>
        <Heading move="back">{words.backTitle}</Heading>
        <section class="card stack g4">
          <Note tone="info">{words.backText(client.name)}</Note>
          <div class="cluster g2">
            <Button look="primary" onClick={() => route(base)}>{words.toClient}</Button>
            <LinkButton look="quiet" href="/staff/clients">{words.toClients}</LinkButton>
          </div>
        </section>
      </>
    );
  }
  return (
    <>
      <Heading move="sent" title={title}>{title}</Heading>
      <section class="card stack g4">
        <HeldBack client_id={client.client_id} invite={invite} left={left} onBack={() => setBack(true)} />
        <Note tone={left > 0 ? 'plain' : 'good'} icon="mail">
          {words.sentText(client.name, invite.email)} {words.sentUntil(dayAndTime(invite.expires_at, tenant.zone))}
        </Note>
        <div class="stack g2">
          <h2>{words.formsInside}</h2>
          {invite.forms.length ? <ul class="stack g1 small">{invite.forms.map((form) => <li key={form.form_id}>{form.title}</li>)}</ul> : <p class="small soft">{words.noForms}</p>}
        </div>
        <div class="cluster g2">
          <Button look="primary" onClick={() => route(`${base}/portal`)}>{words.toPortal}</Button>
          <LinkButton look="quiet" href="/staff/clients">{words.toClients}</LinkButton>
        </div>
      </section>
    </>
  );
}

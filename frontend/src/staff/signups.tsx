/** Sign-ups: what new people entered beside the files like it, and the practice's three answers. */
import { useState } from 'preact/hooks';
import { api, call, newKey, type Problem } from '../http.ts';
import { useSession } from '../session.tsx';
import { Badge, Button, calendarDate, Check, Dialog, Empty, Facts, Group, Heading, LinkButton, Note, useAct, useLoad } from '../ui/index.ts';
import { signups } from '../strings/signups.ts';
import type { AlikeFile, SignupRow } from '../types.ts';
import { Crumbs, Failed, PortalBadge, Ready, RecordBones } from './parts.tsx';
import { momentInSentence } from './when.ts';

const words = signups;

export function Signups() {
  const [older, setOlder] = useState<{ items: SignupRow[]; next: string | null } | null>(null);
  const queue = useLoad(() => call(api.GET('/practice/sign-ups', {})), []);
  const [told, setTold] = useState<{ text: string; file: string | null } | null>(null);
  const next = older ? older.next : queue.data?.next_cursor ?? null;
  const more = useAct(async () => {
    const page = await call(api.GET('/practice/sign-ups', { params: { query: { cursor: next! } } }));
    setOlder({ items: [...(older?.items ?? []), ...page.items], next: page.next_cursor });
  });
  const again = async (done: { text: string; file: string | null } | null) => {
    setTold(done);
    setOlder(null);
    await queue.reload();
  };
  return (
    <>
      <div class="stack g4">
        <Crumbs items={[[words.crumb, '/staff/clients'], words.title]} />
        <div class="stack g2"><Heading>{words.title}</Heading><p class="soft">{words.intro}</p></div>
      </div>
      <div role="status" class={told ? undefined : 'hidden'}>
        {told ? <Note tone="good" action={told.file ? <LinkButton mini href={`/staff/clients/${told.file}`}>{words.assign}</LinkButton> : undefined}>{told.text}</Note> : null}
      </div>
      <Ready of={queue} bones={<RecordBones />} heading={false}>
        {(data) => {
          const items = [...data.items, ...(older?.items ?? [])];
          if (items.length === 0) {
            return <section class="card"><Empty icon="check" title={words.emptyTitle} action={<LinkButton href="/staff/organization/client-portal">{words.toSettings}</LinkButton>}>{words.empty}</Empty></section>;
          }
          return (
            <div class="stack g5">
              {items.map((one) => <Signup key={`${one.signup_id}-${one.etag}`} one={one} onDone={again} />)}
              {next ? <Button busy={more.busy} onClick={() => void more.run()}>{words.more}</Button> : null}
              <Failed problem={more.problem} />
            </div>
          );
        }}
      </Ready>
    </>
  );
}

type Done = (told: { text: string; file: string | null } | null) => Promise<void>;
type Asked = { how: 'accept' } | { how: 'reject' } | { how: 'link'; file: AlikeFile };

function Signup({ one, onDone }: { one: SignupRow; onDone: Done }) {
  const { tenant } = useSession();
  const [asked, setAsked] = useState<Asked | null>(null);
  const title = `su-${one.signup_id}`;
  const facts = words.facts;
  return (
    <article class="card stack g4" aria-labelledby={title}>
      <div class="split">
        <div class="stack g1">
          <h2 id={title}>{one.legal_name}</h2>
          <p class="small soft">{words.signedUp(momentInSentence(one.proved_at, tenant.zone))}</p>
        </div>
        <div class="cluster g2">
          {one.age < 18 ? <Badge tone="info">{words.minor}</Badge> : null}
          {one.alike.length ? <Badge tone="warn">{words.duplicate}</Badge> : <Badge tone="good">{words.fresh}</Badge>}
        </div>
      </div>
      <div class="grid top">
        <section class="stack g2" aria-label={words.typed}>
          <h3>{words.typed}</h3>
          <Facts rows={[
            [facts.legal_name, one.legal_name], ...(one.preferred_name ? [[facts.preferred_name, one.preferred_name] as [string, string]] : []),
            [facts.birth_date, `${calendarDate(one.birth_date)} (${words.years(one.age)})`], [facts.email, one.email], [facts.phone, one.phone],
          ]} />
        </section>
        <section class="stack g4" aria-label={words.onFile}>
          <h3>{words.onFile}</h3>
          {one.alike.length === 0 ? <p class="small soft">{words.noFile}</p> : one.alike.map((file) => (
            <div class="stack g2" key={file.client_id}>
              <p class="cluster g2">{file.same.map((what) => <Badge key={what} tone="warn">{words.sameAs[what]}</Badge>)}</p>
              <Facts rows={[
                [facts.legal_name, file.name], [facts.birth_date, file.birth_date ? calendarDate(file.birth_date) : words.none],
                [facts.email, file.email ?? words.none], [facts.phone, file.phone ?? words.none], [facts.portal, <PortalBadge key="p" portal={file.portal} />],
              ]} />
              {file.status === 'active' ? null : <p class="small soft">{words.archived}</p>}
              <div class="cluster g2">
                {file.status === 'active' ? <Button look={file === one.alike[0] ? 'primary' : 'plain'} mini onClick={() => setAsked({ how: 'link', file })}>{words.link}<span class="hidden">{words.linkOf(file.name)}</span></Button> : null}
                <LinkButton mini href={`/staff/clients/${file.client_id}`}>{words.openFile}<span class="hidden">{words.linkOf(file.name)}</span></LinkButton>
              </div>
            </div>
          ))}
        </section>
      </div>
      <div class="cluster g2">
        <Button look={one.alike.length ? 'plain' : 'primary'} onClick={() => setAsked({ how: 'accept' })}>{words.accept}<span class="hidden">{words.linkOf(one.legal_name)}</span></Button>
        <Button look="quiet" onClick={() => setAsked({ how: 'reject' })}>{words.reject}<span class="hidden">{words.linkOf(one.legal_name)}</span></Button>
      </div>
      {asked?.how === 'accept' ? <Accepting one={one} onClose={() => setAsked(null)} onDone={onDone} /> : null}
      {asked?.how === 'reject' ? <Rejecting one={one} onClose={() => setAsked(null)} onDone={onDone} /> : null}
      {asked?.how === 'link' ? <Linking one={one} file={asked.file} onClose={() => setAsked(null)} onDone={onDone} /> : null}
    </article>
  );
}

/** A refusal in words; when what was looked at is over, closing the question loads the queue again. */
function Refused({ problem }: { problem: Problem | null }) {
  if (problem?.code === 'sign_up_decided') return <Note tone="warn" live>{words.decided}</Note>;
  if (problem?.status === 412) return <Note tone="warn" live>{words.stale}</Note>;
  if (problem?.code === 'email_in_use') return <Note tone="warn" live>{words.emailInUse}</Note>;
  return <Failed problem={problem} />;
}

interface AskProps { one: SignupRow; onClose: () => void; onDone: Done }

/** One question with its one act. The key stays the same for every try, so that a lost answer does nothing twice. */
function Ask({ title, act, busyLabel, danger, onClose, onDone, answer, children }: {
  title: string; act: string; busyLabel: string; danger?: boolean; onClose: () => void; onDone: Done;
  answer: (headers: { 'Idempotency-Key': string }) => Promise<{ text: string; file: string | null }>; children: preact.ComponentChildren;
}) {
  const [key] = useState(newKey);
  const doing = useAct(async () => {
    const told = await answer({ 'Idempotency-Key': key });
    onClose();
    await onDone(told);
  });
  const over = doing.problem?.code === 'sign_up_decided' || doing.problem?.status === 412;
  const close = () => {
    if (doing.busy) return;
    onClose();
    if (over) void onDone(null);
  };
  return (
    <Dialog
      open
      onClose={close}
      title={title}
      actions={<>
        {over ? null : <Button look={danger ? 'danger' : 'primary'} busy={doing.busy} busyLabel={busyLabel} onClick={() => void doing.run()}>{act}</Button>}
        <Button look="quiet" onClick={close}>{words.cancel}</Button>
      </>}
    >
      {children}
      <Refused problem={doing.problem} />
    </Dialog>
  );
}

function Accepting({ one, ...rest }: AskProps) {
  const settings = useLoad(() => call(api.GET('/practice/settings')), []);
  const { title, text, despite, act, busy } = words.accepting;
  return (
    <Ask
      {...rest} title={title(one.legal_name)} act={act} busyLabel={busy}
      answer={async (headers) => {
        const made = await call(api.POST('/practice/sign-ups/{signup_id}/acceptance', {
          params: { path: { signup_id: one.signup_id }, header: { ...headers, 'If-Match': one.etag } }, body: { despite: one.alike.map((file) => file.client_id) },
        }));
        return { text: words.done.accepted(one.legal_name), file: made.client_id };
      }}
    >
      <p class="soft">{settings.data ? text(settings.data.sign_up_forms.length) : ''}</p>
      {one.alike.length ? <Note tone="warn">{despite(one.alike.map((file) => file.name).join(', '))}</Note> : null}
    </Ask>
  );
}

function Rejecting({ one, ...rest }: AskProps) {
  const [tell, setTell] = useState(false);
  const { title, text, tell: label, act, busy } = words.rejecting;
  return (
    <Ask
      {...rest} title={title(one.legal_name)} act={act} busyLabel={busy} danger
      answer={async (headers) => {
        await call(api.POST('/practice/sign-ups/{signup_id}/rejection', {
          params: { path: { signup_id: one.signup_id }, header: { ...headers, 'If-Match': one.etag } }, body: { tell },
        }));
        return { text: words.done.rejected(one.legal_name), file: null };
      }}
    >
      <p class="soft">{text}</p>
      <Check checked={tell} onChange={setTell}>{label}</Check>
    </Ask>
  );
}

function Linking({ one, file, ...rest }: AskProps & { file: AlikeFile }) {
  const [proved, setProved] = useState(file.email === null);
  const told = words.linking;
  const active = file.portal === 'active';
  const choice = !active && file.email !== null && file.email !== one.email;
  return (
    <Ask
      {...rest} title={told.title(file.name)} act={active ? told.actActive : told.act} busyLabel={told.busy}
      answer={async (headers) => {
        await call(api.POST('/practice/sign-ups/{signup_id}/link', {
          params: { path: { signup_id: one.signup_id }, header: { ...headers, 'If-Match': one.etag } }, body: { client_id: file.client_id, new_address: !active && proved },
        }));
        return { text: words.done.linked(file.name), file: file.client_id };
      }}
    >
      {active ? <p class="soft">{told.active(file.email)}</p> : choice ? (
        <Group label={told.where}>
          <label class="check"><input type="radio" name="address" checked={!proved} onChange={() => setProved(false)} /><span>{told.own(file.email!)}</span></label>
          <label class="check"><input type="radio" name="address" checked={proved} onChange={() => setProved(true)} /><span>{told.proved(one.email)}</span></label>
          {proved ? <p class="note warn small">{told.provedHelp}</p> : null}
        </Group>
      ) : <p class="soft">{told.none(file.email)}</p>}
    </Ask>
  );
}

/** Organization > API Tokens: what programs of the organization sign in with; made here, shown once, revoked here. */
import { useRef, useState } from 'preact/hooks';
import { api, asProblem, call } from '../../http.ts';
import { staff } from '../../strings/staff.ts';
import { shared } from '../../strings/shared.ts';
import type { ApiToken, ApiTokens, NewApiToken, Scope } from '../../types.ts';
import {
  Badge, Button, Check, Dialog, Empty, ErrorSummary, Field, Group, Heading, lately, LinkButton, Note, shortDay, TextField, useAct, useLoad, useToast,
  type Tone, type Wrong,
} from '../../ui/index.ts';
import { CopyLink, Crumbs, Failed, Ready, RowBones } from '../parts.tsx';

/** Where this page is. */
export const TOKENS = '/staff/organization/tokens';
const words = staff.tokens;
const SCOPES = Object.keys(words.what) as Scope[];
const DAYS = [30, 90, 180, 365];

export function ApiTokensPage() {
  const tokens = useLoad<ApiTokens>(() => call(api.GET('/practice/tokens')), []);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<NewApiToken | null>(null);
  const opener = useRef<HTMLDivElement>(null);
  const close = () => {
    setMaking(false);
    setMade(null);
    requestAnimationFrame(() => opener.current?.querySelector('button')?.focus());
  };
  const ready = (token: NewApiToken) => {
    setMade(token);
    setMaking(false);
    void tokens.reload();
  };
  return (
    <>
      <div class="stack g4">
        <Crumbs items={[staff.organization.crumb, words.title]} />
        <div class="split top withact">
          <div class="stack g2"><Heading>{words.title}</Heading><p class="soft">{words.intro}</p></div>
          <LinkButton icon="form" href="/developers">{words.reference}</LinkButton>
        </div>
      </div>
      {made ? <Shown token={made} onStored={close} /> : null}
      {making ? <NewToken onMade={ready} onCancel={close} /> : null}
      <Ready of={tokens} bones={<RowBones rows={3} />} heading={false}>
        {(data) => <List data={data} busy={making || made !== null} opener={opener} onNew={() => setMaking(true)} onChange={tokens.put} />}
      </Ready>
    </>
  );
}

/* ---------- the list ---------- */

const TONES: Record<ApiToken['status'], Exclude<Tone, 'own'>> = { active: 'good', expired: 'plain', revoked: 'plain', stopped: 'warn' };

function List({ data, busy, opener, onNew, onChange }: {
  data: ApiTokens; busy: boolean; opener: preact.RefObject<HTMLDivElement | null>; onNew: () => void; onChange: (data: ApiTokens) => void;
}) {
  const [asked, setAsked] = useState<ApiToken | null>(null);
  const say = useToast();
  const act = useAct(async (token: ApiToken) => {
    const ended = await call(api.POST('/practice/tokens/{token_id}/revoke', { params: { path: { token_id: token.token_id } } }));
    onChange({ ...data, items: data.items.map((each) => (each.token_id === ended.token_id ? ended : each)) });
    setAsked(null);
    say(words.revoked(token.name));
  });
  const live = data.items.filter((each) => each.status === 'active').length;
  const full = live >= data.most;
  return (
    <section class="card flush" aria-labelledby="tokens">
      <div class="cardhead" ref={opener}>
        <div class="stack g1"><h2 id="tokens">{words.list}</h2><p class="small soft num">{words.count(live, data.most)}</p></div>
        {busy || full ? null : <Button look="primary" icon="plus" onClick={onNew}>{words.create}</Button>}
      </div>
      {full ? <div class="inset"><Note tone="warn">{words.full(data.most)}</Note></div> : null}
      {data.items.length === 0 ? <Empty icon="key" title={words.emptyTitle} level={3}>{words.emptyText}</Empty> : (
        <table class="fold">
          <thead>
            <tr>
              <th scope="col">{words.columns.name}</th><th scope="col">{words.columns.status}</th><th scope="col">{words.columns.used}</th>
              <th scope="col">{words.columns.ends}</th><th><span class="hidden">{words.revoke}</span></th>
            </tr>
          </thead>
          <tbody>{data.items.map((token) => <Line key={token.token_id} token={token} onRevoke={() => { act.clear(); setAsked(token); }} />)}</tbody>
        </table>
      )}
      <Dialog
        open={asked !== null}
        onClose={() => setAsked(null)}
        title={asked ? words.ask(asked.name) : ''}
        actions={(
          <>
            <Button look="danger" busy={act.busy} busyLabel={words.revoking} onClick={() => { if (asked) void act.run(asked); }}>{words.revoke}</Button>
            <Button onClick={() => setAsked(null)}>{shared.cancel}</Button>
          </>
        )}
      >
        <p>{words.askText}</p>
        <Failed problem={act.problem} />
      </Dialog>
    </section>
  );
}

function Line({ token, onRevoke }: { token: ApiToken; onRevoke: () => void }) {
  const live = token.status === 'active';
  return (
    <tr>
      <td>
        <span class="strong">{token.name}</span><br />
        <span class="tiny soft">{words.made(token.created_by_name, shortDay(token.created_at))}</span>
        <ul class="badges scopes">{token.scopes.map((scope) => <li key={scope} class="chip mono">{scope}</li>)}</ul>
        {token.status === 'stopped' ? <p class="tiny">{words.stopped(token.created_by_name)}</p> : null}
      </td>
      <td data-label={words.columns.status}><Badge tone={TONES[token.status]}>{words.status[token.status]}</Badge></td>
      <td data-label={words.columns.used}>{token.used_at ? lately(token.used_at) : words.never}</td>
      <td data-label={words.columns.ends}>{live ? shortDay(token.ends_at) : token.status === 'stopped' ? words.now : words.ended(shortDay(token.revoked_at ?? token.ends_at))}</td>
      <td class="end acts">{live ? <Button look="danger" mini onClick={onRevoke}>{words.revoke}<span class="hidden">{words.revokeOf(token.name)}</span></Button> : null}</td>
    </tr>
  );
}

/* ---------- a new one ---------- */

function NewToken({ onMade, onCancel }: { onMade: (token: NewApiToken) => void; onCancel: () => void }) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<Scope[]>([]);
  const [days, setDays] = useState(90);
  const [wrong, setWrong] = useState<Wrong[]>([]);
  const [turn, setTurn] = useState(0);
  const act = useAct(async () => {
    const found: Wrong[] = [];
    if (!name.trim()) found.push({ id: 'token-name', text: words.nameMissing });
    if (!scopes.length) found.push({ id: 'token-scopes', text: words.scopesMissing });
    setWrong(found);
    if (found.length) {
      setTurn((n) => n + 1);
      return;
    }
    try {
      onMade(await call(api.POST('/practice/tokens', { body: { name, scopes, days } })));
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.code !== 'proof_required') throw problem; // the question was closed: nothing is made, what is typed stays
    }
  });
  const errorOf = (id: string) => wrong.find((each) => each.id === id)?.text ?? null;
  const turnScope = (scope: Scope, on: boolean) => setScopes(on ? [...scopes, scope] : scopes.filter((each) => each !== scope));
  return (
    <section class="card" aria-labelledby="new-token">
      <form class="stack g5" noValidate onSubmit={(event) => { event.preventDefault(); void act.run(); }}>
        <h2 id="new-token">{words.form}</h2>
        <ErrorSummary wrong={wrong} turn={turn} />
        <TextField id="token-name" label={words.name} help={words.nameHelp} error={errorOf('token-name')} value={name} onInput={setName} maxLength={80} autocomplete="off" required />
        <Group id="token-scopes" label={words.scopes} help={words.scopesHelp} error={errorOf('token-scopes')}>
          <div class="grid top">
            {SCOPES.map((scope) => (
              <Check key={scope} checked={scopes.includes(scope)} onChange={(on) => turnScope(scope, on)}>
                {words.what[scope]}<br /><span class="tiny mono soft">{scope}</span>
              </Check>
            ))}
          </div>
        </Group>
        <Field label={words.ends} help={words.endsHelp}>
          {(wiring) => (
            <select {...wiring} class="short" value={String(days)} onChange={(event) => setDays(Number(event.currentTarget.value))}>
              {DAYS.map((each) => <option key={each} value={String(each)}>{words.days(each)}</option>)}
            </select>
          )}
        </Field>
        <Failed problem={act.problem} />
        <div class="cluster">
          <Button look="primary" type="submit" busy={act.busy} busyLabel={words.busy}>{words.go}</Button>
          <Button onClick={onCancel}>{shared.cancel}</Button>
        </div>
      </form>
    </section>
  );
}

function Shown({ token, onStored }: { token: NewApiToken; onStored: () => void }) {
  return (
    <section class="card stack g4" aria-labelledby="shown">
      <Note tone="warn" icon="key" live><h2 id="shown">{words.shownTitle(token.name)}</h2><p>{words.shown}</p></Note>
      <CopyLink label={words.field} link={token.token} button={words.copy} primary />
      <div><Button onClick={onStored}>{words.stored}</Button></div>
    </section>
  );
}

/** Card processing: whether the organization's own account at Stripe takes cards, connecting and disconnecting it. */
import { useEffect, useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { billing } from '../../strings/billing.ts';
import type { Processing } from '../../types.ts';
import { Badge, Button, Facts, longDay, Note, useAct, useLoad, type Tone } from '../../ui/index.ts';
import { Failed, Ready, RecordBones } from '../parts.tsx';
import { Ask } from './fields.tsx';

const words = billing.processing;
const TONES: Record<string, Exclude<Tone, 'own'>> = { none: 'plain', pending: 'warn', connected: 'good', disconnected: 'bad' };

export function ProcessingTab() {
  const loaded = useLoad(() => call(api.GET('/practice/card-processing')), []);
  return <Ready of={loaded} bones={<RecordBones />} heading={false}>{(state) => <Account state={state} put={loaded.put} />}</Ready>;
}

/** "individual.verification.document" as words. */
function readable(name: string): string {
  if (name === 'currency') return words.missingCurrency;
  return name.replace(/[._]/g, ' ').replace(/^./, (letter) => letter.toUpperCase());
}

function Account({ state, put }: { state: Processing; put: (next: Processing) => void }) {
  const session = useSession();
  const on = Boolean(session.features['payments']?.on);
  const [asking, setAsking] = useState(false);
  const [told, setTold] = useState('');
  const connect = useAct(async () => location.assign((await call(api.POST('/practice/card-processing/connection'))).address));
  const look = useAct(async () => put(await call(api.POST('/practice/card-processing/refresh'))));
  const locked = !session.roles.includes('administrator');
  // Whoever comes back from Stripe sees at once how far it is.
  useEffect(() => { if (state.status === 'pending' && !locked) void look.run(); }, []);
  const facts: [string, preact.ComponentChildren][] = [[words.state, <Badge tone={TONES[state.status]} hollow={state.status === 'pending'}>{words.status[state.status]}</Badge>], [words.currency, state.currency.toUpperCase()]];
  if (state.account) facts.push([words.account, <span class="mono">{state.account}</span>]);
  if (state.live !== null) facts.push([words.mode, state.live ? words.live : words.test]);
  if (state.connected_at && state.status !== 'disconnected') facts.push([words.since, longDay(state.connected_at, session.tenant.zone)]);
  const go = { none: words.connect, pending: words.goOn, disconnected: words.again, connected: '' }[state.status];
  return (
    <div class="beside">
      <div class="stack g4">
        <section class="card stack g4" aria-labelledby="processing">
          <div class="stack g1"><h2 id="processing">{words.title}</h2><p class="soft">{words.lead}</p></div>
          <div class="told-slot" role="status">{told ? <Note tone="good">{told}</Note> : null}</div>
          <Facts rows={facts} />
          {state.status === 'connected'
            ? <Note tone={on ? 'good' : 'warn'}>{on ? words.on : words.off} <a href="/staff/organization/client-portal">{words.toSettings}</a></Note>
            : <p class="small">{words.told[state.status]}</p>}
          {state.status === 'pending' && state.missing.length ? <div class="stack g1"><p class="small strong">{words.missing}</p><ul class="dots small">{state.missing.map((one) => <li key={one}>{readable(one)}</li>)}</ul></div> : null}
          <p class="tiny soft">{words.currencyHelp}</p>
          {locked ? <p class="small soft">{words.adminOnly}</p> : (
            <div class="cluster g2">
              {go ? <Button look="primary" busy={connect.busy} busyLabel={words.going} onClick={() => void connect.run()}>{go}</Button> : null}
              {state.status === 'pending' || state.status === 'connected' ? <Button busy={look.busy} onClick={() => void look.run()}>{words.look}</Button> : null}
              {state.status === 'pending' || state.status === 'connected' ? <Button look="quiet" onClick={() => setAsking(true)}>{words.disconnect}</Button> : null}
            </div>
          )}
          <Failed problem={connect.problem ?? look.problem} />
        </section>
      </div>
      <aside class="card stack g3"><h2>{words.what}</h2>{words.whatText.map((line) => <p class="small soft" key={line}>{line}</p>)}</aside>
      {asking ? (
        <Ask title={words.disconnectTitle} text={words.disconnectText} go={words.disconnect} danger onClose={() => setAsking(false)} act={async () => {
          put(await call(api.DELETE('/practice/card-processing')));
          setTold(words.disconnected);
        }} />
      ) : null}
    </div>
  );
}

/** One's own calendar address: make it, copy it, take it back. For clients and staff alike. */
import { useRef, useState } from 'preact/hooks';
import { api, call } from '../http.ts';
import { scheduling } from '../strings/scheduling.ts';
import { Button, Dialog, ProblemNote, useAct, useLoad } from '../ui/index.ts';

const words = scheduling.feed;

export function Feed() {
  const loaded = useLoad(() => call(api.GET('/feed')), []);
  const [said, setSaid] = useState('');
  const [asking, setAsking] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const make = useAct(async (had: boolean) => {
    loaded.put(await call(api.POST('/feed')));
    setSaid(had ? words.renewed : words.made);
  });
  const revoke = useAct(async () => {
    await call(api.DELETE('/feed'));
    loaded.put({ address: null });
    setAsking(false);
    setSaid(words.revoked);
  });
  const copy = async (address: string) => {
    try {
      await navigator.clipboard.writeText(address);
      setSaid(words.copied);
    } catch {
      field.current?.focus();
      field.current?.select();
      setSaid(words.blocked);
    }
  };
  const address = loaded.data?.address ?? null;
  return (
    <section class="card stack g4" aria-labelledby="feed">
      <div class="stack g2"><h2 id="feed">{words.title}</h2><p class="small soft">{words.text}</p></div>
      {loaded.data === null ? <ProblemNote problem={loaded.problem} onRetry={() => void loaded.reload()} /> : address ? (
        <div class="stack g3">
          <input class="input link" ref={field} aria-label={words.label} readOnly value={address} onFocus={(event) => event.currentTarget.select()} />
          <p class="small soft">{words.how}</p>
          <div class="cluster g2 acts">
            <Button icon="copy" onClick={() => void copy(address)}>{words.copy}</Button>
            <Button look="quiet" busy={make.busy} onClick={() => void make.run(true)}>{words.renew}</Button>
            <Button look="quiet" onClick={() => setAsking(true)}>{words.revoke}</Button>
          </div>
        </div>
      ) : <div><Button icon="calendar" busy={make.busy} onClick={() => void make.run(false)}>{words.make}</Button></div>}
      <p class={said ? 'small' : 'hidden'} role="status">{said}</p>
      <ProblemNote problem={make.problem} />
      <Dialog
        open={asking} onClose={() => setAsking(false)} title={words.revokeTitle}
        actions={<><Button look="danger" busy={revoke.busy} onClick={() => void revoke.run()}>{words.revoke}</Button><Button onClick={() => setAsking(false)}>{words.keep}</Button></>}
      >
        <p>{words.revokeText}</p>
        <ProblemNote problem={revoke.problem} />
      </Dialog>
    </section>
  );
}

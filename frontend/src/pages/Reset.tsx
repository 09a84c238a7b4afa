/** A new password by a mailed link. Nobody is signed in by it. */
import { useLayoutEffect, useState } from 'preact/hooks';
import { closed, doorOf, Frame, useToken } from '../account/Linked.tsx';
import { NewPasswordField, passwordFault, refusedPassword } from '../account/NewPassword.tsx';
import { api, asProblem, call } from '../http.ts';
import { keep } from '../keep.ts';
import { account } from '../strings/account.ts';
import type { LinkOffer, Redeemed } from '../types.ts';
import { Button, LinkButton, ProblemNote, useAct, useLoad } from '../ui/index.ts';

const words = account.reset;

export default function Reset() {
  const token = useToken('reset');
  const [done, setDone] = useState<Redeemed | null>(null);
  const loaded = useLoad<LinkOffer | null>(() => (token ? call(api.POST('/password-resets/lookup', { body: { token } })) : Promise.resolve(null)), [token]);
  if (done) return <Frame tenant={done.tenant} title={words.doneTitle}><p>{words.done}</p><LinkButton look="primary" wide href={doorOf(done)}>{words.signIn}</LinkButton></Frame>;
  const instead = closed(token, loaded, words.states, words.looking, (offer) => <LinkButton look="primary" wide href={`${doorOf(offer)}/forgot`}>{words.again}</LinkButton>);
  if (instead || !token || !loaded.data) return <>{instead}</>;
  return <Choose offer={loaded.data} token={token} onDone={setDone} onClosed={() => void loaded.reload()} />;
}

function Choose({ offer, token, onDone, onClosed }: { offer: LinkOffer; token: string; onDone: (done: Redeemed) => void; onClosed: () => void }) {
  const [password, setPassword] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);
  useLayoutEffect(() => {
    if (turn) document.getElementById('reset-password')?.focus();
  }, [turn]);
  const refuse = (why: string) => {
    setFault(why);
    setTurn((now) => now + 1);
  };
  const act = useAct(async () => {
    try {
      const done = await call(api.POST('/password-resets/redemption', { body: { token, password } }));
      keep('reset', null);
      onDone(done);
    } catch (cause) {
      const problem = asProblem(cause);
      const wrong = refusedPassword(problem);
      if (wrong) refuse(wrong);
      else if (problem.status === 409 || problem.status === 404) onClosed();
      else throw problem;
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const wrong = passwordFault(password);
    if (wrong) refuse(wrong);
    else void act.run();
  };
  return (
    <Frame tenant={offer.tenant} title={words.title} lead={words.lead(offer.tenant.name)}>
      <form class="stack g5" noValidate onSubmit={submit}>
        <NewPasswordField id="reset-password" label={words.label} value={password} error={fault} onInput={(value) => { setPassword(value); setFault(null); }} />
        <ProblemNote problem={act.problem} />
        <Button type="submit" look="primary" wide busy={act.busy} busyLabel={words.saving}>{words.save}</Button>
      </form>
    </Frame>
  );
}

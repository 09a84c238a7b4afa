/** The link that was mailed to a new e-mail address: confirms it. A press is needed, so that no mail scanner confirms. */
import { useState } from 'preact/hooks';
import { closed, doorOf, Frame, useToken } from '../account/Linked.tsx';
import { api, asProblem, call } from '../http.ts';
import { keep } from '../keep.ts';
import { account } from '../strings/account.ts';
import type { LinkOffer, Redeemed } from '../types.ts';
import { Button, LinkButton, ProblemNote, useAct, useLoad } from '../ui/index.ts';

const words = account.confirm;

export default function ConfirmEmail() {
  const token = useToken('email-change');
  const [done, setDone] = useState<Redeemed | null>(null);
  const [taken, setTaken] = useState(false);
  const loaded = useLoad<LinkOffer | null>(() => (token ? call(api.POST('/email-changes/lookup', { body: { token } })) : Promise.resolve(null)), [token]);
  const act = useAct(async () => {
    try {
      const found = await call(api.POST('/email-changes/redemption', { body: { token: token ?? '' } }));
      keep('email-change', null);
      setDone(found);
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.code === 'address_taken') setTaken(true);
      else if (problem.code === 'link_expired' && loaded.data) loaded.put({ ...loaded.data, state: 'expired' });
      else if (problem.status === 409 || problem.status === 404) await loaded.reload();
      else throw problem;
    }
  });
  const door = (offer: Pick<LinkOffer, 'kind' | 'tenant'>, look: 'primary' | 'plain' = 'primary') => <LinkButton look={look} wide href={doorOf(offer)}>{account.reset.signIn}</LinkButton>;
  if (done) return <Frame tenant={done.tenant} title={words.doneTitle}><p>{words.done}</p>{door(done)}</Frame>;
  const instead = closed(token, loaded, words.states, account.reset.looking, (offer) => door(offer));
  if (instead || !loaded.data) return <>{instead}</>;
  if (taken) return <Frame tenant={loaded.data.tenant} title={words.takenTitle}><p>{words.taken}</p>{door(loaded.data, 'plain')}</Frame>;
  return (
    <Frame tenant={loaded.data.tenant} title={words.title} lead={words.lead(loaded.data.tenant.name)}>
      <ProblemNote problem={act.problem} />
      <Button look="primary" wide busy={act.busy} busyLabel={words.going} onClick={() => void act.run()}>{words.go}</Button>
    </Frame>
  );
}

/** What the practice has on file to reach the client; and the way to sign out on a phone. */
import { useState } from 'preact/hooks';
import { api, asProblem, call } from '../http.ts';
import { useSession } from '../session.tsx';
import { ClientShell } from '../shell/ClientShell.tsx';
import { SignOutButton } from '../shell/shells.tsx';
import { client } from '../strings/client.ts';
import { shared } from '../strings/shared.ts';
import type { Insurance, Profile } from '../types.ts';
import { Await, Bones, Button, calendarDate, ErrorSummary, Facts, Heading, Note, ProblemNote, TextField, useAct, useEdits, useLoad, useToast } from '../ui/index.ts';
import { draftOf, faultsAt, faultsOf, fieldsOf, ORDER, ReachParts, type Draft, type Faults } from './ProfileFields.tsx';

const words = client.profile;

export default function ProfilePage() {
  const loaded = useLoad(() => call(api.GET('/portal/profile')), []);
  return (
    <ClientShell>
      <div class="stack g6">
        <div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.lead}</p></div>
        <Await within of={loaded} bones={<Bones rows={4} />}>{(profile) => <Edit profile={profile} onSaved={loaded.put} reload={() => void loaded.reload()} />}</Await>
        {loaded.data?.insurance && <Insured insurance={loaded.data.insurance} />}
        <section class="card stack g3" aria-labelledby="security"><h2 id="security">{words.security}</h2><p><a href="/account">{shared.security}</a><br /><span class="small soft">{words.toAccount}</span></p><p class="small soft">{words.signOutHelp}</p><div><SignOutButton /></div></section>
      </div>
    </ClientShell>
  );
}

function Insured({ insurance }: { insurance: Insurance }) {
  const rows: [string, string][] = [[words.carrier, insurance.carrier], [words.memberId, insurance.member_id]];
  if (insurance.group) rows.push([words.group, insurance.group]);
  if (insurance.holder) rows.push([words.holder, insurance.holder.name]);
  return <section class="card stack g3" aria-labelledby="insurance"><h2 id="insurance">{words.insurance}</h2><Facts rows={rows} /><p class="small soft">{words.insuranceHelp}</p></section>;
}

function Edit({ profile, onSaved, reload }: { profile: Profile; onSaved: (profile: Profile) => void; reload: () => void }) {
  const session = useSession();
  const say = useToast();
  const { draft, change, take, refuse, stale } = useEdits(profile, draftOf, {
    keptAs: `draft:${session.person.id}:profile`,
    onAnew: () => {
      setAsked(false);
      setRefused({});
      act.clear();
    },
  });
  const [asked, setAsked] = useState(false);
  const [turn, setTurn] = useState(0);
  const [refused, setRefused] = useState<Faults>({});
  const set = (name: keyof Draft, value: string | boolean) => {
    setRefused(({ [name]: _gone, ...rest }) => rest);
    change({ [name]: value });
  };
  const faults: Faults = { ...(asked ? faultsOf(draft) : {}), ...refused };
  const act = useAct(async () => {
    try {
      const saved = await call(api.PATCH('/portal/profile', { params: { header: { 'If-Match': profile.etag } }, body: fieldsOf(draft) }));
      const all = take(draft, saved);
      say(all === false ? words.savedBefore : words.saved); // also to who is on another page by now
      if (all === null) return;
      setAsked(false);
      onSaved(saved);
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.status === 422 && Object.keys(faultsAt(problem.faults)).length) {
        setRefused(faultsAt(problem.faults));
        setTurn((now) => now + 1);
      } else refuse(problem);
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    setAsked(true);
    if (Object.keys(faultsOf(draft)).length) setTurn(turn + 1);
    else void act.run();
  };
  const listed = ORDER.flatMap((name) => (faults[name] ? [{ id: `p-${name}`, text: faults[name] as string }] : []));
  return (
    <form class="stack g6" noValidate onSubmit={submit}>
      <ErrorSummary wrong={listed} turn={turn} />
      {stale ? <Note tone="warn" live action={<Button mini onClick={reload}>{words.reload}</Button>}>{words.stale}</Note> : null}
      <div class="card stack g6">
        <section class="stack g4" aria-labelledby="part-you">
          <h2 id="part-you">{words.you}</h2>
          <Facts rows={[[words.legalName, profile.legal_name], ...(profile.birth_date ? [[words.birthDate, calendarDate(profile.birth_date)] as [string, string]] : []), [words.email, profile.email ?? '–']]} />
          <p class="help">{words.emailHelp}</p>
          <TextField id="p-preferred_name" label={words.preferredName} autocomplete="nickname" maxLength={100} optional value={draft.preferred_name} error={faults.preferred_name} onInput={(value) => set('preferred_name', value)} />
        </section>
        <ReachParts draft={draft} faults={faults} set={set} />
      </div>
      <ProblemNote problem={act.problem} />
      <div><Button type="submit" look="primary" busy={act.busy} busyLabel={words.saving}>{words.save}</Button></div>
    </form>
  );
}

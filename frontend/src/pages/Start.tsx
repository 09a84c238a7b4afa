/** Sign-up of a practice: its name and address, who opens it, then a link by e-mail. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, asProblem, call } from '../http.ts';
import { organization } from '../strings/organization.ts';
import { shared } from '../strings/shared.ts';
import { Bones, Button, Check, countries, deviceZone, ErrorSummary, Heading, Icon, LinkButton, LoadFailed, Note, ProblemNote, SelectField, TextField, useAct, useBodyClass, useLoad, zones } from '../ui/index.ts';

const words = organization.start;
const SHAPE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PAUSE = 350; // ms without a key before asking whether an address is free

type Draft = {
  name: string; slug: string; zone: string; country: string; phone: string;
  administrator: string; credentials: string; also_therapist: boolean; email: string;
};
type Faults = Partial<Record<keyof Draft, string>>;
const ORDER: (keyof Draft)[] = ['name', 'slug', 'phone', 'country', 'zone', 'administrator', 'credentials', 'email'];

export default function Start() {
  const offer = useLoad(() => call(api.GET('/practice-sign-up')), []);
  useBodyClass('door');
  if (offer.problem) return <main id="main"><LoadFailed problem={offer.problem} onRetry={() => void offer.reload()} /></main>;
  if (!offer.data) return <main id="main"><Bones rows={3} card={false} /></main>;
  if (!offer.data.open) return <Told title={words.closedTitle} text={words.closed} />;
  return <Form days={offer.data.trial_days} />;
}

function Head({ title, lead }: { title: string; lead?: string }) {
  return <header><div class="stack g4"><span class="mark"><Icon name="sprout" /></span><Heading move={title}>{title}</Heading>{lead && <p class="soft">{lead}</p>}</div></header>;
}

function Told({ title, text }: { title: string; text: string }) {
  return <><Head title={title} /><main id="main" tabIndex={-1}><p>{text}</p><LinkButton wide href="/">{shared.failure.goHome}</LinkButton></main></>;
}

/** Asks whether an address is free, a moment after the last key; and for one that suits the name while none was typed. */
function useSlug(name: string, typed: string | null) {
  const [found, setFound] = useState<{ slug: string; reason: string | null } | null>(null);
  const [asking, setAsking] = useState(false);
  const turn = useRef(0);
  const wanted = typed ?? '';
  useEffect(() => {
    const mine = ++turn.current;
    const body = typed !== null ? { slug: wanted } : { name: name.slice(0, 100) };
    if (typed !== null ? !SHAPE.test(wanted) : name.trim().length < 2) {
      setAsking(false);
      setFound(null);
      return;
    }
    setAsking(true);
    const timer = setTimeout(() => {
      call(api.POST('/practice-sign-up/slug', { body }))
        .then((answer) => { if (mine === turn.current) setFound({ slug: answer.slug, reason: answer.reason }); })
        .catch(() => { if (mine === turn.current) setFound(null); }) // the sign-up itself will tell
        .finally(() => { if (mine === turn.current) setAsking(false); });
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [name, typed]);
  return { found, asking };
}

function Form({ days }: { days: number }) {
  const key = useMemo(secret, []);
  const [draft, setDraft] = useState<Draft>({ name: '', slug: '', zone: deviceZone(), country: 'US', phone: '', administrator: '', credentials: '', also_therapist: false, email: '' });
  const [typed, setTyped] = useState<string | null>(null);
  const [faults, setFaults] = useState<Faults>({});
  const [turn, setTurn] = useState(0);
  const [sent, setSent] = useState<Told | null>(null);
  const slug = useSlug(draft.name, typed);
  const shown = typed ?? slug.found?.slug ?? '';
  const lists = useMemo(() => ({ zones: zones(), countries: countries() }), []);
  const set = (name: keyof Draft, value: string | boolean) => {
    setDraft((now) => ({ ...now, [name]: value }));
    // A name brings an address with it, as long as none was typed.
    const settled: (keyof Draft)[] = name === 'name' && typed === null ? ['name', 'slug'] : [name];
    setFaults((now) => Object.fromEntries(Object.entries(now).filter(([one]) => !settled.includes(one as keyof Draft))));
  };
  const refuse = (found: Faults) => {
    setFaults(found);
    setTurn((now) => now + 1);
  };
  const act = useAct(async () => {
    try {
      const body = { ...draft, slug: shown, key, credentials: draft.credentials.trim() || null };
      await call(api.POST('/practice-sign-up', { body }));
      setSent(body);
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.code === 'slug_taken') return refuse({ slug: words.slugTaken(shown) });
      const wrong = problem.faults.map((fault) => fault.pointer.split('/')[1] ?? '').filter((name): name is keyof Draft => name in draft);
      if (!wrong.length) throw problem;
      refuse(Object.fromEntries(wrong.map((name) => [name, words.faults[name] ?? problem.title])));
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const found: Faults = {};
    if (draft.name.trim().length < 2) found.name = words.faults.name;
    if (!shown) found.slug = words.faults.slug;
    else if (!SHAPE.test(shown)) found.slug = words.slugShape;
    else if (slug.found?.slug === shown && slug.found.reason) found.slug = words.slugTaken(shown);
    if (!/^\+?[0-9(][0-9 ().-]{4,29}$/.test(draft.phone.trim())) found.phone = words.faults.phone;
    if (draft.administrator.trim().length < 2) found.administrator = words.faults.administrator;
    if (!/^\S+@\S+\.\S+$/.test(draft.email.trim())) found.email = words.faults.email;
    if (Object.keys(found).length) refuse(found);
    else void act.run();
  };
  if (sent) return <Sent told={sent} />;
  const fault = faults.slug ?? (typed && !SHAPE.test(typed) ? words.slugShape : slug.found?.slug === shown && slug.found.reason ? words.slugTaken(shown) : null);
  const state = slug.asking ? words.slugChecking : shown && slug.found?.slug === shown && !slug.found.reason ? words.slugFree(shown) : '';
  return (
    <>
      <Head title={words.title} lead={words.lead(days)} />
      <main id="main" tabIndex={-1}>
        <form class="stack g6" noValidate onSubmit={submit}>
          <ErrorSummary wrong={ORDER.flatMap((name) => (faults[name] ? [{ id: `s-${name}`, text: faults[name] as string }] : []))} turn={turn} />
          <section class="stack g5" aria-labelledby="practice">
            <h2 id="practice">{words.practice}</h2>
            <TextField id="s-name" label={words.name} autocomplete="organization" maxLength={100} required value={draft.name} error={faults.name} onInput={(value) => set('name', value)} />
            <div class="stack g2">
              <TextField id="s-slug" label={words.slug} help={words.slugHelp} maxLength={63} required autocomplete="off" value={shown} error={fault} onInput={(value) => { setTyped(value.toLowerCase()); setFaults(({ slug: _gone, ...rest }) => rest); }} />
              <p class="small soft" role="status">{fault ? '' : state}</p>
            </div>
            <TextField id="s-phone" label={words.phone} type="tel" autocomplete="tel" maxLength={30} required value={draft.phone} error={faults.phone} onInput={(value) => set('phone', value)} />
            <SelectField id="s-country" label={words.country} value={draft.country} options={lists.countries} error={faults.country} onChange={(value) => set('country', value)} />
            <SelectField id="s-zone" label={words.zone} value={draft.zone} options={lists.zones} error={faults.zone} onChange={(value) => set('zone', value)} />
          </section>
          <section class="stack g5" aria-labelledby="who">
            <div class="stack g1"><h2 id="who">{words.you}</h2><p class="soft">{words.youLead}</p></div>
            <TextField id="s-administrator" label={words.administrator} autocomplete="name" maxLength={100} required value={draft.administrator} error={faults.administrator} onInput={(value) => set('administrator', value)} />
            <Check checked={draft.also_therapist} onChange={(on) => set('also_therapist', on)}>{words.therapist}</Check>
            <TextField id="s-credentials" label={words.credentials} help={words.credentialsHelp} optional maxLength={40} short value={draft.credentials} onInput={(value) => set('credentials', value)} />
            <TextField id="s-email" label={words.email} help={words.emailHelp} type="email" autocomplete="email" inputMode="email" maxLength={254} required value={draft.email} error={faults.email} onInput={(value) => set('email', value)} />
          </section>
          <ProblemNote problem={act.problem} />
          <Button type="submit" look="primary" wide busy={act.busy} busyLabel={words.busy}>{words.submit}</Button>
        </form>
      </main>
    </>
  );
}

/** What was sent to sign up: asking for the mail again repeats it, as proof that it is the same page. */
type Told = Omit<Draft, 'credentials'> & { key: string; credentials: string | null };

const secret = () => `${crypto.randomUUID()}${crypto.randomUUID()}`.replaceAll('-', '').slice(0, 48);

function Sent({ told }: { told: Told }) {
  const [to, setTo] = useState(told.email.trim());
  const [latest, setLatest] = useState({ email: told.email.trim(), again: false });
  const [fault, setFault] = useState<string | null>(null);
  const attempt = useRef(secret());
  const act = useAct(async () => {
    const email = to.trim();
    if (!/^\S+@\S+\.\S+$/.test(email)) return setFault(words.faults.email!);
    await call(api.POST('/practice-sign-up/mail', { body: { ...told, to: email, attempt: attempt.current } }));
    attempt.current = secret();
    return setLatest({ email, again: true });
  });
  const wrong = fault ?? act.problem?.at('/to')?.detail ?? null;
  return (
    <>
      <Head title={words.sentTitle} />
      <main id="main" tabIndex={-1}>
        <Note tone="good" icon="mail" live>{latest.again ? words.sentAgain(latest.email) : words.sent(latest.email)}</Note>
        <form class="stack g4" noValidate onSubmit={(event) => { event.preventDefault(); void act.run(); }}>
          <p class="soft small">{words.sentNothing} {words.sentHere}</p>
          <TextField id="s-to" label={words.toAddress} type="email" autocomplete="email" inputMode="email" maxLength={254} value={to} error={wrong} onInput={(value) => { setTo(value); setFault(null); act.clear(); attempt.current = secret(); }} />
          <ProblemNote problem={wrong ? null : act.problem} />
          <Button type="submit" wide busy={act.busy} busyLabel={words.resending}>{words.again}</Button>
        </form>
      </main>
    </>
  );
}

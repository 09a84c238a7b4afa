/** Organization > Profile: what clients see of the organization, its logo and its colour. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api, asProblem, call, Problem } from '../../http.ts';
import { load, useSession } from '../../session.tsx';
import { useLogo } from '../../shell/Mark.tsx';
import { organization } from '../../strings/organization.ts';
import type { Organization } from '../../types.ts';
import { Button, countries, ErrorSummary, Heading, Note, rebased, SelectField, TextField, useAct, useLoad, zones } from '../../ui/index.ts';
import { CopyLink, Crumbs, Failed, Ready, RecordBones } from '../parts.tsx';

const words = organization.profile;
const FIELDS = ['name', 'phone', 'address', 'zone', 'country'] as const;
type Name = typeof FIELDS[number];
type Draft = Record<Name, string>;
const LARGEST = 200 * 1024;

export function ProfilePage() {
  const found = useLoad(() => call(api.GET('/practice/organization')), []);
  return (
    <>
      <div class="stack g4">
        <Crumbs items={[organization.crumb, words.title]} />
        <div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.intro}</p></div>
      </div>
      <Ready of={found} bones={<RecordBones />} heading={false}>{(data) => <Profile organization={data} put={found.put} />}</Ready>
    </>
  );
}

function Profile({ organization: now, put }: { organization: Organization; put: (data: Organization) => void }) {
  const locked = !useSession().roles.includes('administrator');
  const changed = (next: Organization) => {
    put(next);
    void load(); // name, colour and logo around this page
  };
  return (
    <div class="stack g4">
      {locked && <Note tone="info" icon="lock">{words.readOnly}</Note>}
      <div class="beside">
        <Facts now={now} locked={locked} onChange={changed} />
        <aside class="stack g4">
          <section class="card stack g5" aria-labelledby="look">
            <h2 id="look">{words.look}</h2>
            <LogoField now={now} locked={locked} onChange={changed} />
            <ColourField now={now} locked={locked} onChange={changed} />
          </section>
          <section class="card stack g3" aria-labelledby="login">
            <div class="stack g1"><h2 id="login">{words.login}</h2><p class="small soft">{words.loginHelp}</p></div>
            <CopyLink label={words.login} link={now.login_url} button={words.copy} />
          </section>
        </aside>
      </div>
    </div>
  );
}

interface Part { now: Organization; locked: boolean; onChange: (next: Organization) => void }

const draftOf = (now: Organization): Draft => ({ name: now.name, phone: now.phone, address: now.address ?? '', zone: now.zone, country: now.country });

function Facts({ now, locked, onChange }: Part) {
  const [draft, setDraft] = useState(() => draftOf(now));
  const [faults, setFaults] = useState<Partial<Draft>>({});
  const [turn, setTurn] = useState(0);
  const [saved, setSaved] = useState(false);
  const [differs, setDiffers] = useState<string[] | null>(null);
  const lists = useMemo(() => ({ zones: zones(), countries: countries() }), []);
  const set = (name: Name) => (value: string) => {
    setDraft((was) => ({ ...was, [name]: value }));
    setFaults(({ [name]: _gone, ...rest }) => rest);
    setSaved(false);
  };
  const refuse = (found: Partial<Draft>) => {
    setFaults(found);
    setTurn((n) => n + 1);
  };
  const before = useRef(draftOf(now));
  const latest = useRef(draft);
  latest.current = draft;
  const act = useAct(async () => {
    setSaved(false);
    const changes = Object.fromEntries(FIELDS.filter((name) => draft[name].trim() !== before.current[name]).map((name) => [name, draft[name].trim()]));
    if (!Object.keys(changes).length) return setSaved(true);
    try {
      const next = await call(api.PATCH('/practice/organization', { params: { header: { 'If-Match': now.etag } }, body: changes }));
      before.current = draftOf(next);
      setDraft((mine) => rebased(mine, draft, before.current));
      setDiffers(null);
      setSaved(FIELDS.every((name) => latest.current[name] === draft[name]));
      onChange(next);
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.status === 412) return look();
      const wrong = problem.faults.map((fault) => fault.pointer.slice(1)).filter((name): name is Name => FIELDS.includes(name as Name));
      if (!wrong.length) throw problem;
      refuse(Object.fromEntries(wrong.map((name) => [name, words.faults[name] ?? problem.title])));
    }
  });
  // Somebody else saved first: what they changed is named, what was typed stays, and the next save is on top of theirs.
  const look = async () => {
    const theirs = await call(api.GET('/practice/organization'));
    const was = before.current;
    const is = draftOf(theirs);
    setDiffers(FIELDS.filter((name) => is[name] !== was[name]).map((name) => words.staleWas(words[name], is[name] || words.empty)));
    setDraft((mine) => Object.fromEntries(FIELDS.map((name) => [name, mine[name] !== was[name] ? mine[name] : is[name]])) as Draft);
    before.current = is;
    onChange(theirs);
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const found: Partial<Draft> = {};
    if (draft.name.trim().length < 2) found.name = words.faults.name;
    if (!/^\+?[0-9(][0-9 ().-]{4,29}$/.test(draft.phone.trim())) found.phone = words.faults.phone;
    if (Object.keys(found).length) refuse(found);
    else void act.run();
  };
  return (
    <form class="card stack g5" noValidate onSubmit={submit}>
      {differs && <Note tone="warn" live><strong>{words.staleTitle}</strong><br />{words.stale}{differs.length > 0 && <ul class="dots">{differs.map((line) => <li key={line}>{line}</li>)}</ul>}</Note>}
      <ErrorSummary wrong={FIELDS.flatMap((name) => (faults[name] ? [{ id: `o-${name}`, text: faults[name] as string }] : []))} turn={turn} />
      <TextField id="o-name" label={words.name} maxLength={100} readOnly={locked} required value={draft.name} error={faults.name} onInput={set('name')} />
      <TextField id="o-phone" label={words.phone} help={words.phoneHelp} type="tel" maxLength={30} readOnly={locked} required value={draft.phone} error={faults.phone} onInput={set('phone')} />
      <TextField id="o-address" label={words.address} help={words.addressHelp} optional maxLength={300} readOnly={locked} value={draft.address} error={faults.address} onInput={set('address')} />
      <SelectField id="o-zone" label={words.zone} help={words.zoneHelp} value={draft.zone} options={lists.zones} disabled={locked} error={faults.zone} onChange={set('zone')} />
      <SelectField id="o-country" label={words.country} value={draft.country} options={lists.countries} disabled={locked} error={faults.country} onChange={set('country')} />
      <Failed problem={act.problem} />
      {!locked && (
        <div class="cluster g3">
          <Button type="submit" look="primary" busy={act.busy} busyLabel={words.saving}>{words.save}</Button>
          <p class="small soft" role="status">{saved ? words.saved : ''}</p>
        </div>
      )}
    </form>
  );
}

function LogoField({ now, locked, onChange }: Part) {
  const shown = useLogo(now.logo);
  const field = useRef<HTMLInputElement>(null);
  const [told, setTold] = useState<{ bad: boolean; text: string } | null>(null);
  const params = { header: { 'If-Match': now.etag } };
  const send = useAct(async (file: File) => {
    setTold(null);
    if (!['image/png', 'image/jpeg'].includes(file.type)) return setTold({ bad: true, text: words.wrongKind });
    if (file.size > LARGEST) return setTold({ bad: true, text: words.tooLarge });
    const image = await base64(file);
    try {
      onChange(await call(api.POST('/practice/organization/logo', { params, body: { image } })));
      setTold({ bad: false, text: words.logoSaved });
    } catch (cause) {
      const problem = asProblem(cause);
      setTold({ bad: true, text: problem.at('/image')?.detail ?? problem.title });
    }
  });
  const remove = useAct(async () => {
    onChange(await call(api.DELETE('/practice/organization/logo', { params })));
    setTold({ bad: false, text: words.removed });
  });
  return (
    <div class="stack g3">
      <div class="stack g1"><h3>{words.logo}</h3><p class="small soft">{words.logoHelp}</p></div>
      <div class="logobox">{shown ? <img class="logo" src={shown} alt={words.logo} /> : <span class="small soft">{words.noLogo}</span>}</div>
      {!locked && (
        <div class="cluster g2">
          <input class="hidden" ref={field} type="file" accept="image/png,image/jpeg" aria-label={words.choose} tabIndex={-1} onChange={(event) => { const file = event.currentTarget.files?.[0]; event.currentTarget.value = ''; if (file) void send.run(file); }} />
          <Button mini icon="upload" busy={send.busy} busyLabel={words.uploading} onClick={() => field.current?.click()}>{now.logo ? words.replace : words.choose}</Button>
          {now.logo && <Button mini look="quiet" busy={remove.busy} onClick={() => void remove.run()}>{words.remove}</Button>}
        </div>
      )}
      {told && (told.bad ? <Note tone="bad" live>{told.text}</Note> : <p class="small soft" role="status">{told.text}</p>)}
      <Failed problem={send.problem ?? remove.problem} />
    </div>
  );
}

function base64(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(',')[1] ?? '');
    reader.onerror = () => reject(new Problem({ status: 0, code: 'unreadable', title: words.wrongKind }));
    reader.readAsDataURL(file);
  });
}

function ColourField({ now, locked, onChange }: Part) {
  const [picked, setPicked] = useState<string | null>(null);
  const [brand, setBrand] = useState(now.brand);
  const [saved, setSaved] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(picked);
  latest.current = picked;
  // The server says what becomes of a colour; the preview shows exactly that.
  useEffect(() => {
    if (!picked) return;
    const timer = setTimeout(() => {
      call(api.POST('/practice/organization/colour', { body: { brand: picked } }))
        .then((found) => { if (latest.current === picked) setBrand(found); })
        .catch(() => {}); // saving will tell
    }, 150);
    return () => clearTimeout(timer);
  }, [picked]);
  useLayoutEffect(() => {
    box.current?.style.setProperty('--brand-h', String(brand.hue));
    box.current?.style.setProperty('--brand-c', String(brand.chroma));
  }, [brand]);
  const act = useAct(async () => {
    if (!picked) return;
    const next = await call(api.PATCH('/practice/organization', { params: { header: { 'If-Match': now.etag } }, body: { brand: picked } }));
    setSaved(true);
    setPicked(null);
    setBrand(next.brand);
    onChange(next);
  });
  return (
    <div class="stack g3">
      <div class="stack g1"><h3 id="colour">{words.colour}</h3><p class="small soft" id="colour-help">{words.colourHelp}</p></div>
      {!locked && <input class="swatch" type="color" aria-labelledby="colour" aria-describedby="colour-help" value={picked ?? now.brand_hex ?? '#0b6b5d'} onInput={(event) => { setPicked(event.currentTarget.value); setSaved(false); }} />}
      <div class="recolour stack g2" ref={box} role="img" aria-label={words.preview}>
        <p class="tiny soft">{words.preview}</p>
        <div class="cluster g2"><span class="btn primary mini">{words.previewButton}</span><span class="softly">{words.previewText}</span></div>
      </div>
      {!locked && <div class="cluster g3"><Button mini busy={act.busy} aria-disabled={picked ? undefined : 'true'} onClick={() => void act.run()}>{words.saveColour}</Button><p class="small soft" role="status">{saved ? words.colourSaved : ''}</p></div>}
      <Failed problem={act.problem} />
    </div>
  );
}

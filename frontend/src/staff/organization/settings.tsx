/** Client Portal Settings: every switch takes effect at once and says so; every grey one says why. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { Badge, Button, Check, Group, Icon, LinkButton, Note, Switch, useLoad } from '../../ui/index.ts';
import { billing } from '../../strings/billing.ts';
import { calendar } from '../../strings/calendar.ts';
import { client } from '../../strings/client.ts';
import { messaging } from '../../strings/messaging.ts';
import { signups } from '../../strings/signups.ts';
import { staff } from '../../strings/staff.ts';
import type { Settings, SettingsFeature, SettingsPatch } from '../../types.ts';
import { CopyLink, sentenceOf } from '../parts.tsx';
import { MessageDesks, MessageHours } from '../messaging/settings.tsx';
import { useSaving, type Mark, type Saving } from './saving.ts';

const words = staff.settings;

interface Wiring { saving: Saving; locked: boolean }

export function SettingsTab({ first }: { first: Settings }) {
  const session = useSession();
  const saving = useSaving(first);
  const wiring: Wiring = { saving, locked: !session.roles.includes('administrator') };
  return (
    <div class="stack g4">
      {wiring.locked && <Note tone="info" icon="lock">{staff.organization.readOnly}</Note>}
      {saving.stale && <Stale list={saving.stale} onSeen={saving.seen} />}
      <p class="hidden" role="status">{saving.mark?.state === 'saved' ? words.savedJust : ''}</p>
      <div class="beside">
        <div class="stack g5">
          <Features {...wiring} />
          <Care {...wiring} />
          <Privacy {...wiring} />
        </div>
        <aside class="stack g4">
          <section class="card stack g4" aria-labelledby="login">
            <div class="stack g2"><h2 id="login">{words.login}</h2><p class="small soft">{words.loginText}</p></div>
            <CopyLink label={words.login} link={saving.settings.login_url} button={words.copy} primary />
          </section>
          <SignUp {...wiring} />
        </aside>
      </div>
    </div>
  );
}

function Stale({ list, onSeen }: { list: string[]; onSeen: () => void }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    ref.current?.scrollIntoView({ block: 'center' });
    ref.current?.focus({ preventScroll: true });
  }, [list]);
  return (
    <div ref={ref} tabIndex={-1} role="alert" aria-label={words.staleTitle}>
      <Note tone="warn" action={<Button mini onClick={onSeen}>{words.dismiss}</Button>}>
        <strong>{words.staleTitle}</strong><br />{words.staleText}
        {list.length > 0 && <ul class="dots" aria-label={words.staleList}>{list.map((line) => <li key={line}>{line}</li>)}</ul>}
      </Note>
    </div>
  );
}

/* ---------- one setting ---------- */

/** The word beside the control that was used last. A stale answer has its own note on top. */
function MarkOf({ mark, id, shape }: { mark: Mark | null; id: string; shape?: string }) {
  if (mark?.id !== id) return null;
  if (mark.state === 'saving') return <span class="saved">{words.saving}</span>;
  if (mark.state === 'saved') return <span class="saved"><Icon name="check" />{words.savedJust}</span>;
  if (mark.problem?.status === 412 || mark.problem?.status === 401) return null;
  return <p class="error" role="alert"><Icon name="alert" /><span>{words.failed} {mark.problem ? (mark.problem.faults[0] ? shape ?? mark.problem.faults[0].detail : sentenceOf(mark.problem)) : ''}</span></p>;
}

interface RowProps extends Wiring {
  id: string; name: string; what: string; how: string[]; on: boolean; patch: (on: boolean) => SettingsPatch;
  disabled?: boolean; reason?: string | null; children?: ComponentChildren;
}

function Row({ id, name, what, how, on, patch, disabled, reason, saving, locked, children }: RowProps) {
  return (
    <div class="setting">
      <div>
        <div class="cluster g3"><label class="strong" for={id}>{name}</label><MarkOf mark={saving.mark} id={id} /></div>
        <p class="small soft" id={`${id}-what`}>{what}</p>
        {reason && <p class="note warn tiny" id={`${id}-why`}><Icon name="info" /><span>{reason}</span></p>}
        <details>
          <summary>{words.how}<span class="hidden">{words.howOf(name)}</span></summary>
          <div class="stack g2">{how.map((text) => <p class="small soft" key={text}>{text}</p>)}</div>
        </details>
        {children}
      </div>
      <OnOff id={id} on={on} disabled={disabled || locked} describedBy={reason ? `${id}-what ${id}-why` : `${id}-what`} onChange={(next) => void saving.save(id, patch(next))} />
    </div>
  );
}

/** A switch with its state in a word, so that nobody has to know which side is which; grey ones, too. */
function OnOff(props: Parameters<typeof Switch>[0]) {
  return (
    <div class="onoff">
      <Switch {...props} />
      <span class={props.on ? 'tiny strong' : 'tiny soft'} aria-hidden="true">{props.on ? words.stateOn : words.stateOff}</span>
    </div>
  );
}

function Features(wiring: Wiring) {
  const { settings } = wiring.saving;
  const { insurance } = words;
  return (
    <section class="card flush" aria-labelledby="fe">
      <div class="cardhead"><h2 id="fe">{words.features}</h2><Badge>{staff.organization.plan(staff.plans[settings.plan] ?? settings.plan)}</Badge></div>
      {settings.features.map((one) => <FeatureRow key={one.feature} one={one} {...wiring} />)}
      <Row {...wiring} id="insurance" name={insurance.name} what={insurance.what} how={insurance.how} on={settings.display_insurance} patch={(on) => ({ display_insurance: on })} />
    </section>
  );
}

function FeatureRow({ one, ...wiring }: { one: SettingsFeature } & Wiring) {
  const text = words.feature[one.feature];
  if (!text) return null;
  return (
    <Row
      {...wiring} id={`feature-${one.feature}`} name={text.name} what={text.what} how={text.how} on={one.on}
      disabled={!one.can_switch} reason={one.reason ? words.reason[one.reason] : null} patch={(on) => ({ features: { [one.feature]: on } })}
    >
      {one.reason === 'card_processing_not_connected' && !wiring.locked && <div><LinkButton mini icon="card" href="/staff/organization/billing/card-processing">{billing.connectHint}</LinkButton></div>}
      {one.feature === 'self_scheduling' && one.on && <Scheduling {...wiring} />}
      {one.feature === 'messaging' && one.on && <Messaging {...wiring} />}
    </Row>
  );
}

function Messaging(wiring: Wiring) {
  const { saving, locked } = wiring;
  const text = messaging.settings;
  const now = saving.settings.messaging;
  return (
    <div class="sub stack g4">
      <div class="split keep">
        <div class="stack g1"><label class="strong small" for="receipts">{text.receipts.name}</label><p class="small soft" id="receipts-what">{text.receipts.what} {text.receipts.how[0]}</p><MarkOf mark={saving.mark} id="receipts" /></div>
        <OnOff id="receipts" on={now.read_receipts} disabled={locked} describedBy="receipts-what" onChange={(on) => void saving.save('receipts', { messaging: { read_receipts: on } })} />
      </div>
      <MessageHours saving={saving} locked={locked} /><MarkOf mark={saving.mark} id="message-hours" />
      <Text {...wiring} id="away-note" label={text.away} help={text.awayHelp} value={saving.server.messaging.away_note} rows={2} max={300} patch={(note) => ({ messaging: { away_note: note } })} />
      <MessageDesks saving={saving} locked={locked} /><MarkOf mark={saving.mark} id="message-desks" />
    </div>
  );
}

interface PickProps extends Wiring { id: string; label: string; help?: string; value: number; options: number[]; shown: (n: number) => string; patch: (n: number) => SettingsPatch }

function Pick({ id, label, help, value, options, shown, patch, saving, locked }: PickProps) {
  const all = [...new Set([...options, value])].sort((a, b) => a - b);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {help && <p class="help" id={`${id}-help`}>{help}</p>}
      <select id={id} value={String(value)} disabled={locked} aria-describedby={help ? `${id}-help` : undefined} onChange={(event) => void saving.save(id, patch(Number(event.currentTarget.value)))}>
        {all.map((n) => <option key={n} value={String(n)}>{shown(n)}</option>)}
      </select>
      <MarkOf mark={saving.mark} id={id} />
    </div>
  );
}

const more = calendar.settings;
const minutesOr = (none: string) => (n: number) => (n ? words.minutes(n) : none);
const HOURS = [0, 2, 4, 12, 24, 48, 72];

function Scheduling(wiring: Wiring) {
  const { scheduling } = wiring.saving.settings;
  const text = words.scheduling;
  return (
    <div class="sub stack g4">
      <div class="grid tight">
        <Pick {...wiring} id="notice" label={text.notice} value={scheduling.minimum_notice_hours} options={HOURS} shown={text.hours} patch={(n) => ({ scheduling: { minimum_notice_hours: n } })} />
        <Pick {...wiring} id="cancel-notice" label={text.cancel} value={scheduling.cancel_notice_hours} options={HOURS} shown={text.hours} patch={(n) => ({ scheduling: { cancel_notice_hours: n } })} />
        <Pick {...wiring} id="horizon" label={text.horizon} value={scheduling.horizon_days} options={[14, 30, 60, 90, 180]} shown={text.days} patch={(n) => ({ scheduling: { horizon_days: n } })} />
      </div>
      <p class="tiny soft">{text.binds}</p>
      <div class="grid tight">
        <Pick {...wiring} id="grid" label={more.grid} value={scheduling.grid_minutes} options={[5, 10, 15, 20, 30, 60]} shown={more.gridMinutes} patch={(n) => ({ scheduling: { grid_minutes: n as 15 } })} />
        <Pick {...wiring} id="buffer-before" label={more.before} value={scheduling.buffer_before_minutes} options={[0, 5, 10, 15, 30]} shown={minutesOr(more.none)} patch={(n) => ({ scheduling: { buffer_before_minutes: n } })} />
        <Pick {...wiring} id="buffer-after" label={more.after} value={scheduling.buffer_after_minutes} options={[0, 5, 10, 15, 30]} shown={minutesOr(more.none)} patch={(n) => ({ scheduling: { buffer_after_minutes: n } })} />
        <Pick {...wiring} id="hold" label={more.hold} value={scheduling.hold_hours} options={[4, 12, 24, 48, 72]} shown={text.hours} patch={(n) => ({ scheduling: { hold_hours: n } })} />
        <Pick {...wiring} id="offer-hold" label={more.offerHold} value={scheduling.offer_hold_hours} options={[1, 2, 4, 12, 24]} shown={text.hours} patch={(n) => ({ scheduling: { offer_hold_hours: n } })} />
        <Pick {...wiring} id="max-open" label={more.open} value={scheduling.max_open_requests} options={[1, 2, 3, 5]} shown={String} patch={(n) => ({ scheduling: { max_open_requests: n } })} />
        <Pick {...wiring} id="max-ahead" label={more.ahead} value={scheduling.max_upcoming} options={[1, 2, 4, 8, 10, 20]} shown={String} patch={(n) => ({ scheduling: { max_upcoming: n } })} />
        <Pick {...wiring} id="max-day" label={more.perDay} value={scheduling.max_per_day} options={[0, 4, 6, 8, 10]} shown={(n) => (n ? String(n) : more.noCap)} patch={(n) => ({ scheduling: { max_per_day: n } })} />
      </div>
      <div class="cluster g3">
        <Check checked={scheduling.wait_list} disabled={wiring.locked} onChange={(on) => void wiring.saving.save('wait-list', { scheduling: { wait_list: on } })}>{more.waitList}</Check>
        <MarkOf mark={wiring.saving.mark} id="wait-list" />
      </div>
      <fieldset class="field" disabled={wiring.locked}>
        <legend>{more.reminders}</legend>
        <div class="cluster g5">
          {[...new Set([1, 2, 24, 48, 72, ...scheduling.reminder_hours])].sort((a, b) => a - b).map((n) => (
            <Check key={n} checked={scheduling.reminder_hours.includes(n)} disabled={scheduling.reminder_hours.length >= 3 && !scheduling.reminder_hours.includes(n)} onChange={(on) => void wiring.saving.save('reminder-hours', { scheduling: { reminder_hours: on ? [...scheduling.reminder_hours, n].sort((a, b) => b - a) : scheduling.reminder_hours.filter((each) => each !== n) } })}>{more.reminderOf(n)}</Check>
          ))}
          <MarkOf mark={wiring.saving.mark} id="reminder-hours" />
        </div>
      </fieldset>
      <fieldset class="field" disabled={wiring.locked}>
        <legend>{text.pick}</legend>
        <div class="cluster g5">
          {[false, true].map((instant) => (
            <label class="check" key={String(instant)}>
              <input type="radio" name="instant" checked={scheduling.instant_confirmation === instant} onChange={() => void wiring.saving.save('instant', { scheduling: { instant_confirmation: instant } })} />
              <span>{instant ? text.instant : text.request}</span>
            </label>
          ))}
          <MarkOf mark={wiring.saving.mark} id="instant" />
        </div>
      </fieldset>
    </div>
  );
}

interface TextProps extends Wiring { id: string; label: string; help: string; value: string; rows?: number; max: number; short?: boolean; standard?: string; shape?: string; patch: (text: string) => SettingsPatch }

/** Text is saved when the field is left. What could not be saved stays in the field, with a way to try or give up. */
function Text({ id, label, help, value, rows, max, short, standard = '', shape, patch, saving, locked }: TextProps) {
  const [draft, setDraft] = useState(value);
  const before = useRef(value);
  useEffect(() => {
    // Follow the server unless something here is not saved yet.
    setDraft((now) => (now === before.current ? value : now));
    before.current = value;
  }, [value]);
  const mark = saving.mark?.id === id ? saving.mark : null;
  const failed = mark?.state === 'failed' && draft !== value;
  const commit = () => {
    const wanted = draft.trim() || standard; // emptied: back to the standard text, where there is one
    if (wanted !== value) void saving.save(id, patch(wanted)).then((done) => { if (done) setDraft(wanted); });
    else setDraft(wanted);
  };
  if (locked) return <div class="stack g1"><p class="strong small">{label}</p><p class="small pre">{value || words.emptyText}</p></div>;
  const wires = {
    id, value: draft, maxLength: max, 'aria-describedby': `${id}-help`, 'aria-invalid': failed ? ('true' as const) : undefined,
    onInput: (event: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) => setDraft(event.currentTarget.value), onBlur: commit,
  };
  return (
    <div class={failed ? 'field invalid' : 'field'}>
      <div class="split"><label class="strong" for={id}>{label}</label>{mark?.state !== 'failed' && <MarkOf mark={saving.mark} id={id} />}</div>
      <p class="help" id={`${id}-help`}>{help}</p>
      {mark?.state === 'failed' && <MarkOf mark={saving.mark} id={id} shape={shape} />}
      {rows
        ? <textarea {...wires} class="input" rows={rows} />
        : <input {...wires} class={short ? 'input short' : 'input'} type="text" onKeyDown={(event) => { if (event.key === 'Enter') commit(); }} />}
      {failed && (
        <div class="cluster g2">
          <Button mini onClick={commit}>{words.save}</Button>
          <Button mini look="quiet" onClick={() => setDraft(value)}>{words.undo}</Button>
        </div>
      )}
    </div>
  );
}

function Care(wiring: Wiring) {
  const { server } = wiring.saving;
  return (
    <section class="card flush" aria-labelledby="care">
      <div class="cardhead"><h2 id="care">{words.care}</h2></div>
      <div class="inset stack g5">
        <Text {...wiring} id="crisis-text" label={words.crisisText} help={words.crisisTextHelp} value={server.crisis_text} rows={3} max={400} standard={client.crisis.text} patch={(text) => ({ crisis_text: text })} />
        <Text {...wiring} id="crisis-phone" label={words.crisisPhone} help={words.crisisPhoneHelp} value={server.crisis_phone} max={20} short standard="988" shape={words.phoneShape} patch={(text) => ({ crisis_phone: text })} />
        <Text {...wiring} id="reply-time" label={words.replyTime} help={words.replyTimeHelp} value={server.reply_time} max={120} patch={(text) => ({ reply_time: text })} />
      </div>
    </section>
  );
}

const IDLE = [5, 10, 15, 20, 30, 60];

function Privacy(wiring: Wiring) {
  const { settings, server } = wiring.saving;
  const { neutral } = words;
  return (
    <section class="card flush" aria-labelledby="privacy">
      <div class="cardhead"><h2 id="privacy">{words.privacy}</h2></div>
      <div class="inset stack g4">
        <div class="grid">
          <Pick {...wiring} id="idle-staff" label={words.idleStaff} value={settings.idle_minutes_staff} options={IDLE} shown={words.minutes} patch={(n) => ({ idle_minutes_staff: n })} />
          <Pick {...wiring} id="idle-clients" label={words.idleClients} value={settings.idle_minutes_clients} options={IDLE} shown={words.minutes} patch={(n) => ({ idle_minutes_clients: n })} />
        </div>
        <p class="help">{words.idleHelp}</p>
        <Text {...wiring} id="sender" label={words.sender} help={words.senderHelp} value={server.sender_name} max={100} patch={(text) => ({ sender_name: text })} />
      </div>
      <div class="ruled">
        <Row {...wiring} id="neutral" name={neutral.name} what={neutral.what} how={neutral.how} on={settings.neutral_mail} patch={(on) => ({ neutral_mail: on })} />
      </div>
    </section>
  );
}

function SignUp({ saving, locked }: Wiring) {
  const { settings } = saving;
  return (
    <section class="card stack g4" aria-labelledby="signup">
      <div class="split">
        <h2 id="signup"><label for="sign-up">{words.signUp}</label></h2>
        <OnOff id="sign-up" on={settings.sign_up} disabled={locked} describedBy="sign-up-what" onChange={(on) => void saving.save('sign-up', { sign_up: on })} />
      </div>
      <MarkOf mark={saving.mark} id="sign-up" />
      <p class="small soft" id="sign-up-what">{words.signUpText}</p>
      <p class="small soft">{signups.settings.review}</p>
      {settings.sign_up
        ? <CopyLink label={words.signUp} link={settings.sign_up_url} button={words.copySignUp} />
        : <p class="small soft">{words.signUpOff}</p>}
      <SignUpForms saving={saving} locked={locked} />
      {locked ? null : <LinkButton icon="people" href="/staff/sign-ups">{signups.settings.queue}</LinkButton>}
    </section>
  );
}

/** Which forms go to everyone who is let in by a sign-up. */
function SignUpForms({ saving, locked }: Wiring) {
  const library = useLoad(() => call(api.GET('/practice/forms')), []);
  const { settings } = saving;
  const forms = library.data?.items.filter((form) => form.status === 'active') ?? [];
  if (forms.length === 0) return null;
  const chosen = new Set(settings.sign_up_forms);
  const set = (form_id: string, on: boolean) => {
    const next = forms.map((form) => form.form_id).filter((each) => (each === form_id ? on : chosen.has(each)));
    void saving.save('sign-up-forms', { sign_up_forms: next });
  };
  return (
    <Group id="sign-up-forms" label={signups.settings.forms} help={signups.settings.formsHelp}>
      {forms.map((form) => <Check key={form.form_id} checked={chosen.has(form.form_id)} disabled={locked} onChange={(on) => set(form.form_id, on)}>{form.title}</Check>)}
      <MarkOf mark={saving.mark} id="sign-up-forms" />
    </Group>
  );
}

/** Organization > Staff: everyone who works here, and inviting a colleague. */
import { useLocation } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { api, asProblem, call, newKey } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { organization } from '../../strings/organization.ts';
import type { NewStaff, StaffMember } from '../../types.ts';
import { Badge, Button, Check, ErrorSummary, Group, Heading, LinkButton, TextField, useAct, useLoad, useToast } from '../../ui/index.ts';
import { Crumbs, Failed, Ready, RowBones } from '../parts.tsx';

const words = organization.people;
export const STAFF = '/staff/organization/staff';

export function shown(member: Pick<StaffMember, 'name' | 'credentials'>): string {
  return member.credentials ? `${member.name}, ${member.credentials}` : member.name;
}

export function StatusBadge({ member }: { member: StaffMember }) {
  if (member.status === 'invited') return <Badge tone={member.link_over ? 'warn' : 'info'} hollow={!member.link_over}>{member.link_over ? words.linkOver : words.status.invited}</Badge>;
  return <Badge tone={member.status === 'active' ? 'good' : 'plain'}>{words.status[member.status]}</Badge>;
}

export function StaffList() {
  const staff = useLoad(() => call(api.GET('/practice/staff')), []);
  return (
    <>
      <div class="stack g4">
        <Crumbs items={[organization.crumb, words.title]} />
        <div class="split">
          <div class="stack g1"><Heading>{words.title}</Heading><p class="soft">{words.intro}</p></div>
          <LinkButton look="primary" icon="plus" href={`${STAFF}/invite`}>{words.invite}</LinkButton>
        </div>
      </div>
      <Ready of={staff} bones={<RowBones />} heading={false}>{(data) => <section class="card flush" aria-label={words.title}><Table members={data.items} /></section>}</Ready>
    </>
  );
}

function Table({ members }: { members: StaffMember[] }) {
  const { person } = useSession();
  const { columns } = words;
  return (
    <table class="fold cover">
      <thead><tr><th scope="col">{columns.name}</th><th scope="col">{columns.roles}</th><th scope="col">{columns.may}</th><th scope="col">{columns.seat}</th><th scope="col">{columns.status}</th></tr></thead>
      <tbody>
        {members.map((one) => (
          <tr key={one.staff_id}>
            <td>
              <a class="strong plain" data-row href={`${STAFF}/${one.staff_id}`}>{shown(one)}</a>{one.staff_id === person.id && <span class="soft"> ({words.you})</span>}
              <br /><span class="tiny soft">{one.email}</span>
            </td>
            <td data-label={columns.roles}><div>{one.roles.map((role) => words.roles[role]).join(', ')}</div></td>
            <td data-label={columns.may}><div>{may(one)}</div></td>
            <td data-label={columns.seat}><div>{one.seat ? words.seat : words.noSeat}</div></td>
            <td data-label={columns.status}><div class="badges"><StatusBadge member={one} /></div></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function may(one: StaffMember): string {
  if (one.roles.includes('administrator')) return words.all;
  return [one.may_invite ? words.mayInvite : '', one.may_bill ? words.mayBill : ''].filter(Boolean).join(', ') || words.none;
}

/* ---------- the fields that inviting and editing share ---------- */
export interface Rights { roles: string[]; may_invite: boolean; may_bill: boolean }

export function RightsFields({ rights, error, onChange }: { rights: Rights; error?: string | null; onChange: (next: Rights) => void }) {
  const fields = organization.invite;
  const toggle = (role: string, on: boolean) => onChange({ ...rights, roles: on ? [...rights.roles, role].sort() : rights.roles.filter((one) => one !== role) });
  return (
    <>
      <Group id="i-roles" label={fields.roles} help={fields.rolesHelp} error={error}>
        <div class="stack g3">
          {(['administrator', 'therapist'] as const).map((role) => (
            <Check key={role} checked={rights.roles.includes(role)} onChange={(on) => toggle(role, on)}><strong>{words.roles[role]}</strong><br /><span class="small soft">{fields.roleText[role]}</span></Check>
          ))}
        </div>
      </Group>
      <Group label={fields.permissions} help={fields.permissionsHelp}>
        <div class="stack g3">
          <Check checked={rights.may_invite} onChange={(on) => onChange({ ...rights, may_invite: on })}>{fields.mayInvite}</Check>
          <Check checked={rights.may_bill} onChange={(on) => onChange({ ...rights, may_bill: on })}>{fields.mayBill}</Check>
        </div>
      </Group>
    </>
  );
}

export function InviteStaff() {
  const fields = organization.invite;
  const { route } = useLocation();
  const say = useToast();
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [credentials, setCredentials] = useState('');
  const [rights, setRights] = useState<Rights>({ roles: ['therapist'], may_invite: false, may_bill: false });
  const [seat, setSeat] = useState(false);
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [turn, setTurn] = useState(0);
  const key = useRef(newKey()); // of this invitation: sending it again after a lost answer is the same one
  const fix = (which: string) => {
    key.current = newKey();
    setFaults(({ [which]: _gone, ...rest }) => rest);
  };
  const refuse = (found: Record<string, string>) => {
    setFaults(found);
    setTurn((n) => n + 1);
  };
  const act = useAct(async () => {
    const body: NewStaff = { name: name.trim(), email: email.trim(), credentials: credentials.trim() || null, ...rights, roles: rights.roles as NewStaff['roles'], seat };
    try {
      const made = await call(api.POST('/practice/staff', { params: { header: { 'Idempotency-Key': key.current } }, body }));
      say(fields.sent(made.name));
      route(`${STAFF}/${made.staff_id}`);
    } catch (cause) {
      const problem = asProblem(cause);
      if (problem.code === 'email_in_use') return refuse({ email: problem.title });
      const wrong = problem.faults.map((fault) => [fault.pointer.split('/')[1] ?? '', fault.detail] as const).filter(([which]) => which in fields.faults);
      if (!wrong.length) throw problem;
      refuse(Object.fromEntries(wrong.map(([which]) => [which, fields.faults[which]!])));
    }
  });
  const submit = (event: Event) => {
    event.preventDefault();
    const found: Record<string, string> = {};
    if (name.trim().length < 2) found.name = fields.faults.name!;
    if (!/^\S+@\S+\.\S+$/.test(email.trim())) found.email = fields.faults.email!;
    if (!rights.roles.length) found.roles = fields.faults.roles!;
    if (Object.keys(found).length) refuse(found);
    else void act.run();
  };
  return (
    <>
      <div class="stack g4">
        <Crumbs items={[organization.crumb, [words.title, STAFF], fields.title]} />
        <div class="stack g1"><Heading>{fields.title}</Heading><p class="soft">{fields.lead}</p></div>
      </div>
      <form class="card stack g5 narrow" noValidate onSubmit={submit}>
        <ErrorSummary wrong={['name', 'email', 'roles'].flatMap((which) => (faults[which] ? [{ id: `i-${which}`, text: faults[which]! }] : []))} turn={turn} />
        <TextField id="i-name" label={fields.name} maxLength={100} required autocomplete="off" value={name} error={faults.name} onInput={(value) => { setName(value); fix('name'); }} />
        <TextField id="i-email" label={fields.email} type="email" inputMode="email" maxLength={254} required autocomplete="off" value={email} error={faults.email} onInput={(value) => { setEmail(value); fix('email'); }} />
        <TextField label={fields.credentials} help={fields.credentialsHelp} optional maxLength={40} short value={credentials} onInput={(value) => { setCredentials(value); fix(''); }} />
        <RightsFields rights={rights} error={faults.roles} onChange={(next) => { setRights(next); fix('roles'); }} />
        <Check checked={seat} onChange={(on) => { setSeat(on); fix(''); }}><strong>{fields.seat}</strong><br /><span class="small soft">{fields.seatHelp}</span></Check>
        <Failed problem={act.problem} />
        <div><Button type="submit" look="primary" icon="mail" busy={act.busy} busyLabel={fields.sending}>{fields.send}</Button></div>
      </form>
    </>
  );
}

/** Who treats a client; administrators assign and remove, from the therapist's next click on. */
import { useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { organization } from '../../strings/organization.ts';
import { staff } from '../../strings/staff.ts';
import type { Client, StaffMember } from '../../types.ts';
import { Avatar, Button, Dialog, initials, SelectField, useAct } from '../../ui/index.ts';
import { Failed } from '../parts.tsx';

const words = organization.therapists;

export function Therapists({ client }: { client: Client }) {
  const administrator = useSession().roles.includes('administrator');
  const [list, setList] = useState(client.therapists);
  const [everyone, setEveryone] = useState<StaffMember[] | null>(null);
  const [chosen, setChosen] = useState('');
  const [leaving, setLeaving] = useState<{ staff_id: string; name: string } | null>(null);
  const open = useAct(async () => {
    const page = await call(api.GET('/practice/staff'));
    setEveryone(page.items.filter((one) => one.roles.includes('therapist') && one.status !== 'disabled'));
  });
  const add = useAct(async () => {
    if (!chosen) return;
    setList((await call(api.POST('/practice/clients/{client_id}/therapists', { params: { path: { client_id: client.client_id } }, body: { staff_id: chosen } }))).therapists);
    setChosen('');
  });
  const remove = useAct(async (staff_id: string) => {
    setLeaving(null);
    setList((await call(api.DELETE('/practice/clients/{client_id}/therapists/{staff_id}', { params: { path: { client_id: client.client_id, staff_id } } }))).therapists);
  });
  const left = (everyone ?? []).filter((one) => !list.some((other) => other.staff_id === one.staff_id));
  return (
    <section class="card stack g3" aria-labelledby="therapists">
      <h2 id="therapists">{staff.overview.therapists}</h2>
      {list.length === 0 ? <p class="small soft">{staff.overview.noTherapists}</p> : (
        <ul class="stack g2">
          {list.map((one) => (
            <li key={one.staff_id} class="split">
              <span class="person"><Avatar letters={initials(one.name)} size="s" /><span class="small">{one.name}</span></span>
              {administrator && <Button look="quiet" mini onClick={() => setLeaving(one)}>{words.remove}<span class="hidden">: {one.name}</span></Button>}
            </li>
          ))}
        </ul>
      )}
      <Failed problem={open.problem ?? add.problem ?? remove.problem} />
      {administrator && !everyone && <div><Button mini icon="plus" busy={open.busy} onClick={() => void open.run()}>{words.assign}</Button></div>}
      {everyone && (left.length === 0 ? <p class="small soft" role="status">{words.none}</p> : (
        <div class="stack g3">
          <SelectField label={words.assign} value={chosen} options={[['', words.choose], ...left.map((one): [string, string] => [one.staff_id, one.name])]} onChange={setChosen} />
          <div><Button mini busy={add.busy} onClick={() => void add.run()}>{organization.person.assign}</Button></div>
        </div>
      ))}
      <Dialog open={leaving !== null} onClose={() => setLeaving(null)} title={words.removeTitle(leaving?.name ?? '')} actions={<><Button look="danger" onClick={() => { if (leaving) void remove.run(leaving.staff_id); }}>{words.removeYes}</Button><Button onClick={() => setLeaving(null)}>{words.keep}</Button></>}>
        <p>{words.removeText}</p>
      </Dialog>
    </section>
  );
}

/** Picking several clients in the list, for a bulk invitation. What is picked is kept in memory only, across pages. */
import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { memory } from '../../keep.ts';
import { Button } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import type { ClientRow } from '../../types.ts';

const words = staff.bulk;
export const AT_MOST = 1000;

const picked = memory<string[]>([]);

/** Who was picked last. */
export function pickedClients(): string[] {
  return picked.current;
}

export interface Picking { on: boolean; ids: string[]; toggle: (id: string) => void; all: (rows: ClientRow[]) => void; set: (on: boolean) => void }

export function usePicking(): Picking {
  const [on, setOn] = useState(false);
  const [ids, setIds] = useState<string[]>([]);
  const put = (next: string[]) => {
    picked.current = next.slice(0, AT_MOST);
    setIds(picked.current);
  };
  return {
    on, ids,
    toggle: (id) => put(ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id]),
    all: (rows) => put([...new Set([...ids, ...rows.map((row) => row.client_id)])]),
    set: (next) => { setOn(next); put([]); },
  };
}

/** Beside the search, while nobody is picked. */
export function BeginPicking({ picking }: { picking: Picking }) {
  return <Button icon="mail" onClick={() => picking.set(true)}>{words.begin}</Button>;
}

/** Above the list while picking: how many, and the two ways on. */
export function PickBar({ picking, rows }: { picking: Picking; rows: ClientRow[] }) {
  const { route } = useLocation();
  const n = picking.ids.length;
  return (
    <section class="card pickbar" aria-label={words.barLabel}>
      <p class="small num" role="status">{words.picked(n)}</p>
      <div class="cluster g2">
        <Button look="primary" mini disabled={n === 0} onClick={() => route('/staff/invitations')}>{words.invitePicked}</Button>
        <Button mini disabled={rows.length === 0} onClick={() => picking.all(rows)}>{words.pickShown}</Button>
        <Button mini onClick={() => { picking.set(true); route('/staff/invitations?who=never'); }}>{words.everyone}</Button>
        <Button mini onClick={() => { picking.set(true); route('/staff/invitations?who=not_joined'); }}>{words.everyoneNotJoined}</Button>
        <Button look="quiet" mini onClick={() => picking.set(false)}>{words.stopPicking}</Button>
      </div>
    </section>
  );
}

export function PickBox({ picking, row }: { picking: Picking; row: ClientRow }) {
  return (
    <label class="pickbox"><input type="checkbox" checked={picking.ids.includes(row.client_id)} onChange={() => picking.toggle(row.client_id)} /><span class="hidden">{words.pick(row.name)}</span></label>
  );
}

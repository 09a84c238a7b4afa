/** What an administrator does with the file as a whole: put it away, take it out, end and give back portal access. */
import { useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { useSession } from '../../session.tsx';
import { staff } from '../../strings/staff.ts';
import { Button, Dialog, useAct } from '../../ui/index.ts';
import { Failed } from '../parts.tsx';
import type { ClientFile } from './details.tsx';

const words = staff.file;
type Ask = 'archive' | 'end';

export function FileCard({ file, onChange, onTold }: { file: ClientFile; onChange: () => Promise<void>; onTold: (text: string) => void }) {
  const { roles } = useSession();
  const { client } = file;
  const [ask, setAsk] = useState<Ask | null>(null);
  const params = { path: { client_id: client.client_id } };
  const act = useAct(async (what: 'archive' | 'restore' | 'end' | 'back') => {
    if (what === 'archive') await call(api.POST('/practice/clients/{client_id}/archive', { params }));
    if (what === 'restore') await call(api.POST('/practice/clients/{client_id}/restore', { params }));
    if (what === 'end') await call(api.POST('/practice/clients/{client_id}/access/end', { params }));
    if (what === 'back') await call(api.POST('/practice/clients/{client_id}/access/restore', { params }));
    setAsk(null);
    await onChange();
    onTold({ archive: words.archived, restore: words.restored, end: words.ended, back: words.givenBack }[what]);
  });
  if (!roles.includes('administrator')) return null;
  const archived = client.status === 'archived';
  return (
    <section class="card stack g3 noprint" aria-labelledby="file">
      <h2 id="file">{words.card}</h2>
      <div class="cluster g2">
        {archived
          ? <Button busy={act.busy} onClick={() => void act.run('restore')}>{words.restore}</Button>
          : <Button onClick={() => setAsk('archive')}>{words.archive}</Button>}
        {client.portal === 'active' && <Button onClick={() => setAsk('end')}>{words.endAccess}</Button>}
        {client.portal === 'ended' && !archived && <Button busy={act.busy} onClick={() => void act.run('back')}>{words.giveBack}</Button>}
      </div>
      {ask === null && <Failed problem={act.problem} lead={words.actFailed} />}
      <Dialog
        open={ask !== null} onClose={() => { setAsk(null); act.clear(); }} title={ask === 'end' ? words.endTitle(client.name) : words.archiveTitle(client.name)}
        actions={<><Button look="danger" busy={act.busy} onClick={() => void act.run(ask === 'end' ? 'end' : 'archive')}>{ask === 'end' ? words.endYes : words.archiveYes}</Button><Button onClick={() => { setAsk(null); act.clear(); }}>{words.keep}</Button></>}
      >
        <p>{ask === 'end' ? words.endText : words.archiveText}</p>
        <Failed problem={act.problem} lead={words.actFailed} />
      </Dialog>
    </section>
  );
}

/** What is mailed to a staff member: their own choice. */
import { useState } from 'preact/hooks';
import { api, call } from '../../http.ts';
import { messaging } from '../../strings/messaging.ts';
import { Switch, useAct, useLoad } from '../../ui/index.ts';
import { Failed, Ready, RowBones } from '../parts.tsx';

const words = messaging.notice;

export function NoticeChoice() {
  const loaded = useLoad(() => call(api.GET('/practice/notification-choices')), []);
  const [wanted, setWanted] = useState<boolean | null>(null); // shown at once; the server's word follows
  const save = useAct(async (message_mail: boolean) => {
    setWanted(message_mail);
    try {
      loaded.put(await call(api.PUT('/practice/notification-choices', { body: { message_mail } })));
    } finally {
      setWanted(null);
    }
  });
  return (
    <Ready of={loaded} bones={<RowBones rows={1} />} heading={false}>
      {(data) => (
        <section class="card stack g3" aria-labelledby="notice">
          <h2 id="notice">{words.title}</h2>
          <p class="small soft" id="notice-what">{words.text}</p>
          <div class="split"><label class="strong" for="notice-mail">{words.on}</label><Switch id="notice-mail" on={wanted ?? data.message_mail} describedBy="notice-what" onChange={(on) => void save.run(on)} /></div>
          <Failed problem={save.problem} />
        </section>
      )}
    </Ready>
  );
}

/** A staff member's sign-in and security. */
import { AccountSections } from '../account/sections.tsx';
import { api, call } from '../http.ts';
import { account } from '../strings/account.ts';
import { billing } from '../strings/billing.ts';
import type { MailKind } from '../types.ts';
import { NoticeChoice } from './messaging/notice.tsx';
import { Check, Heading, useAct, useLoad, useToast } from '../ui/index.ts';
import { Failed, Ready, RowBones } from './parts.tsx';

export function StaffAccount() {
  return (
    <div class="stack g5 narrowpage">
      <div class="stack g1"><Heading>{account.title}</Heading><p class="soft">{account.lead}</p></div>
      <AccountSections />
      <MailChoices />
      <NoticeChoice />
    </div>
  );
}

const { mails } = billing;

/** Which notices about money also come by mail; in the portal they come all the same. */
function MailChoices() {
  const loaded = useLoad(() => call(api.GET('/practice/notification-mails')), []);
  const say = useToast();
  const save = useAct(async (muted: MailKind[]) => {
    const before = loaded.data!;
    loaded.put({ muted }); // as it was chosen; back as it was when it cannot be saved
    try {
      loaded.put(await call(api.PUT('/practice/notification-mails', { body: { muted } })));
      say(mails.saved);
    } catch (cause) {
      loaded.put(before);
      throw cause;
    }
  });
  return (
    <section class="card stack g4" aria-labelledby="mails">
      <div class="stack g1"><h2 id="mails">{mails.title}</h2><p class="small soft">{mails.text}</p></div>
      <Ready of={loaded} bones={<RowBones rows={1} />} heading={false}>
        {({ muted }) => (
          <div class="stack g2">
            {(Object.keys(mails.kinds) as MailKind[]).map((kind) => (
              <Check key={kind} checked={!muted.includes(kind)} disabled={save.busy} onChange={(on) => void save.run(on ? muted.filter((one) => one !== kind) : [...muted, kind])}>{mails.kinds[kind]}</Check>
            ))}
          </div>
        )}
      </Ready>
      <Failed problem={save.problem} />
    </section>
  );
}

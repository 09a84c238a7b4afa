/** A staff member's sign-in and security. */
import { AccountSections } from '../account/sections.tsx';
import { account } from '../strings/account.ts';
import { NoticeChoice } from './messaging/notice.tsx';
import { Heading } from '../ui/index.ts';

export function StaffAccount() {
  return (
    <div class="stack g5 narrowpage">
      <div class="stack g1"><Heading>{account.title}</Heading><p class="soft">{account.lead}</p></div>
      <AccountSections />
      <NoticeChoice />
    </div>
  );
}

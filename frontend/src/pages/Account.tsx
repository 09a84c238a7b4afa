/** A client's sign-in and security. */
import { AccountSections } from '../account/sections.tsx';
import { ClientShell } from '../shell/ClientShell.tsx';
import { SignOutButton } from '../shell/shells.tsx';
import { account } from '../strings/account.ts';
import { Heading } from '../ui/index.ts';

export default function AccountPage() {
  return (
    <ClientShell>
      <div class="stack g6">
        <div class="stack g1"><Heading>{account.title}</Heading><p class="soft">{account.lead}</p></div>
        <AccountSections />
        <div><SignOutButton /></div>
      </div>
    </ClientShell>
  );
}

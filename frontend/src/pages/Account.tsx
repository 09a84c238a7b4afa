/** A client's sign-in and security. */
import { AccountSections } from '../account/sections.tsx';
import { ClientShell } from '../shell/ClientShell.tsx';
import { SignOutButton } from '../shell/shells.tsx';
import { account } from '../strings/account.ts';
import { client } from '../strings/client.ts';
import { Heading, Icon } from '../ui/index.ts';

export default function AccountPage() {
  return (
    <ClientShell>
      <div class="stack g6">
        <div class="stack g1"><Heading>{account.title}</Heading><p class="soft">{account.lead}</p></div>
        <nav aria-label={account.elsewhere}>
          <ul class="card flush rows">
            <li><a class="row" href="/profile"><span class="glyph"><Icon name="person" /></span><div><p class="strong">{client.nav.profile}</p><p class="small soft">{client.profile.lead}</p></div><Icon name="right" /></a></li>
            <li><a class="row" href="/documents"><span class="glyph"><Icon name="folder" /></span><div><p class="strong">{client.nav.documents}</p><p class="small soft">{client.documents.lead}</p></div><Icon name="right" /></a></li>
          </ul>
        </nav>
        <AccountSections />
        <div><SignOutButton /></div>
      </div>
    </ClientShell>
  );
}

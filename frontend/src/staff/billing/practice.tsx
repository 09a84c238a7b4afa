/** Organization > Billing: the tabs Invoices, Card processing, Reconciliation, Billing settings. Administrators only. */
import { useLocation } from 'preact-iso';
import { billing } from '../../strings/billing.ts';
import { staff } from '../../strings/staff.ts';
import { Heading } from '../../ui/index.ts';
import { Crumbs, Tabs } from '../parts.tsx';
import { InvoicesTab } from './invoices.tsx';
import { NightsTab } from './nights.tsx';
import { ProcessingTab } from './processing.tsx';
import { SettingsTab } from './settings.tsx';

const words = billing.practice;
export const BASE = '/staff/organization/billing';
const TABS: [string, string][] = [[words.tabs.invoices, BASE], [words.tabs.processing, `${BASE}/card-processing`], [words.tabs.nights, `${BASE}/reconciliation`], [words.tabs.settings, `${BASE}/settings`]];

export default function PracticeBilling() {
  const { path } = useLocation();
  const [name, href] = TABS.find(([, address]) => address === path) ?? TABS[0]!;
  return (
    <>
      <div class="stack g4">
        <Crumbs items={[staff.organization.crumb, words.title]} />
        <Heading title={name} move={href}>{words.title}</Heading>
        <Tabs label={words.tabsLabel} items={TABS} current={href} />
      </div>
      {href === BASE && <InvoicesTab />}
      {href.endsWith('/card-processing') && <ProcessingTab />}
      {href.endsWith('/reconciliation') && <NightsTab />}
      {href.endsWith('/settings') && <SettingsTab />}
    </>
  );
}

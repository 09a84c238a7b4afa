/** Organization > Client Portal: the tabs Client Portal Settings, Subscription, Intake Forms, E-mail. */
import { useLocation } from 'preact-iso';
import { api, call } from '../../http.ts';
import { Heading, useLoad } from '../../ui/index.ts';
import { staff } from '../../strings/staff.ts';
import { Crumbs, Ready, RecordBones, RowBones, Tabs } from '../parts.tsx';
import { EmailTab } from './email.tsx';
import { FormsTab } from './forms.tsx';
import { SettingsTab } from './settings.tsx';
import { SubscriptionTab } from './subscription.tsx';

const words = staff.organization;
const BASE = '/staff/organization/client-portal';
const TABS: [string, string][] = [
  [words.tabs.settings, BASE], [words.tabs.subscription, `${BASE}/subscription`], [words.tabs.forms, `${BASE}/intake-forms`], [words.tabs.email, `${BASE}/e-mail`],
];

export function ClientPortal() {
  const { path } = useLocation();
  const [name, href] = TABS.find(([, address]) => address === path) ?? TABS[0]!;
  return (
    <>
      <div class="stack g4">
        <Crumbs items={[words.crumb, words.title]} />
        <Heading title={name} move={href}>{words.title}</Heading>
        <Tabs label={words.tabsLabel} items={TABS} current={href} />
      </div>
      {href === BASE && <SettingsPage />}
      {href.endsWith('/subscription') && <SubscriptionTab />}
      {href.endsWith('/intake-forms') && <FormsPage />}
      {href.endsWith('/e-mail') && <EmailTab />}
    </>
  );
}

function SettingsPage() {
  const settings = useLoad(() => call(api.GET('/practice/settings')), []);
  return <Ready of={settings} bones={<RecordBones />} heading={false}>{(data) => <SettingsTab first={data} />}</Ready>;
}

function FormsPage() {
  const forms = useLoad(() => call(api.GET('/practice/forms')), []);
  return <Ready of={forms} bones={<RowBones rows={3} />} heading={false}>{(data) => <FormsTab forms={data.items} />}</Ready>;
}

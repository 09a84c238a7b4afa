/** Address, phone and emergency contact: the same questions after joining and on the profile page. */
import { client } from '../strings/client.ts';
import type { Profile, ProfileFields } from '../types.ts';
import { Check, TextField } from '../ui/index.ts';

const words = client.profile;

/** The profile as text boxes hold it: nothing is null. */
export interface Draft {
  preferred_name: string; phone: string;
  line1: string; line2: string; city: string; region: string; postal_code: string; country: string;
  contact_name: string; contact_relationship: string; contact_phone: string; may_contact: boolean;
}

export function draftOf(profile: Profile): Draft {
  const { address, emergency_contact: contact } = profile;
  return {
    preferred_name: profile.preferred_name ?? '', phone: profile.phone ?? '',
    line1: address?.line1 ?? '', line2: address?.line2 ?? '', city: address?.city ?? '', region: address?.region ?? '', postal_code: address?.postal_code ?? '', country: address?.country ?? '',
    contact_name: contact?.name ?? '', contact_relationship: contact?.relationship ?? '', contact_phone: contact?.phone ?? '', may_contact: contact?.may_contact ?? false,
  };
}

/** What is sent: a part that was left empty is null; text is trimmed. */
export function fieldsOf(draft: Draft): ProfileFields {
  const has = (...parts: string[]) => parts.some((part) => part.trim());
  const text = (part: string) => part.trim();
  return {
    preferred_name: text(draft.preferred_name) || null,
    phone: text(draft.phone) || null,
    address: has(draft.line1, draft.line2, draft.city, draft.region, draft.postal_code)
      ? { line1: text(draft.line1), line2: text(draft.line2) || null, city: text(draft.city), region: text(draft.region), postal_code: text(draft.postal_code), country: text(draft.country) || 'US' }
      : null,
    emergency_contact: has(draft.contact_name, draft.contact_relationship, draft.contact_phone)
      ? { name: text(draft.contact_name), relationship: text(draft.contact_relationship), phone: text(draft.contact_phone), may_contact: draft.may_contact }
      : null,
  };
}

export type Faults = Partial<Record<keyof Draft, string>>;

/** What is wrong before it is sent. A part may be empty as a whole, not by half. */
export function faultsOf(draft: Draft): Faults {
  const made = fieldsOf(draft);
  const faults: Faults = {};
  const phone = (value: string) => value.replace(/\D/g, '').length >= 7;
  if (made.phone && !phone(made.phone)) faults.phone = words.phoneShape;
  if (made.address && !made.address.line1) faults.line1 = words.enterLine1;
  if (made.address && !made.address.city) faults.city = words.enterCity;
  if (made.address && !made.address.region) faults.region = words.enterRegion;
  if (made.address && !made.address.postal_code) faults.postal_code = words.enterPostal;
  if (made.emergency_contact) {
    if (!made.emergency_contact.name) faults.contact_name = words.enterContactName;
    if (!made.emergency_contact.relationship) faults.contact_relationship = words.enterContactRelationship;
    if (!phone(made.emergency_contact.phone)) faults.contact_phone = made.emergency_contact.phone ? words.phoneShape : words.enterContactPhone;
  }
  return faults;
}

const POINTERS: Record<string, keyof Draft> = {
  '/preferred_name': 'preferred_name', '/phone': 'phone',
  '/address': 'line1', '/address/line1': 'line1', '/address/line2': 'line2', '/address/city': 'city', '/address/region': 'region', '/address/postal_code': 'postal_code', '/address/country': 'country',
  '/emergency_contact': 'contact_name', '/emergency_contact/name': 'contact_name', '/emergency_contact/relationship': 'contact_relationship', '/emergency_contact/phone': 'contact_phone',
};

/** The server's faults at the boxes they belong to. */
export function faultsAt(faults: readonly { pointer: string; detail: string }[]): Faults {
  const found: Faults = {};
  for (const fault of faults) {
    const name = POINTERS[fault.pointer.replace(/^\/profile/, '')];
    if (name) found[name] = fault.detail;
  }
  return found;
}

export const ORDER: (keyof Draft)[] = ['preferred_name', 'phone', 'line1', 'line2', 'city', 'region', 'postal_code', 'contact_name', 'contact_relationship', 'contact_phone'];

interface PartProps { draft: Draft; faults: Faults; set: (name: keyof Draft, value: string | boolean) => void }

export function ReachParts({ draft, faults, set }: PartProps) {
  const box = (name: Exclude<keyof Draft, 'may_contact'>, label: string, more: { autocomplete?: string; type?: 'tel' | 'text'; short?: boolean; optional?: boolean } = {}) => (
    <TextField id={`p-${name}`} label={label} value={draft[name]} error={faults[name]} maxLength={200} onInput={(value) => set(name, value)} {...more} />
  );
  return (
    <>
      <section class="stack g4" aria-labelledby="part-phone">
        <h2 id="part-phone" class="hidden">{words.phone}</h2>
        {box('phone', words.phone, { autocomplete: 'tel', type: 'tel', optional: true })}
      </section>
      <section class="stack g4" aria-labelledby="part-address">
        <h2 id="part-address">{words.addressTitle}</h2>
        {box('line1', words.line1, { autocomplete: 'address-line1' })}
        {box('line2', words.line2, { autocomplete: 'address-line2', optional: true })}
        <div class="grid top">{box('city', words.city, { autocomplete: 'address-level2' })}<div class="grid tight top pair">{box('region', words.region, { autocomplete: 'address-level1' })}{box('postal_code', words.postal, { autocomplete: 'postal-code' })}</div></div>
      </section>
      <section class="stack g4" aria-labelledby="part-contact">
        <div class="stack g1"><h2 id="part-contact">{words.emergencyTitle}</h2><p class="small soft">{words.emergencyWhy}</p></div>
        {box('contact_name', words.contactName, { autocomplete: 'off' })}
        {box('contact_relationship', words.contactRelationship, { autocomplete: 'off' })}
        {box('contact_phone', words.contactPhone, { autocomplete: 'off', type: 'tel' })}
        <Check id="p-may_contact" checked={draft.may_contact} onChange={(on) => set('may_contact', on)}>{words.mayContact}</Check>
      </section>
    </>
  );
}


/** The shapes that travel between the API and the pages, under the names the pages use. */

export type FeatureName = 'invitations' | 'intake_forms' | 'payments' | 'messaging' | 'self_scheduling';
export type FeatureReason = 'not_in_plan' | 'switched_off' | 'no_seat' | 'card_processing_not_connected' | 'client_switched_off';
export interface Feature { on: boolean; reason: FeatureReason | null }

export interface CrisisNumber { label: string; href: string }
export interface Tenant {
  slug: string;
  name: string;
  phone: string | null;
  zone: string;
  brand: { hue: number; chroma: number };
  crisis: { text: string; numbers: CrisisNumber[] };
  sign_up: boolean;
  login_url: string;
}

export type Kind = 'staff' | 'client';
export interface Person { id: string; name: string; first_name: string; email: string; initials: string }
export interface Session {
  kind: Kind;
  person: Person;
  roles: string[];
  may_invite: boolean;
  seat: boolean;
  tenant: Tenant;
  features: Record<FeatureName, Feature>;
  csrf_token: string;
  idle_seconds: number;
  idle_ends_at: string;
  ends_at: string;
  token: string | null;
}
export interface SignIn { slug: string; kind: Kind; email: string; password: string; code: string | null; bearer: boolean }

export interface FormLine { form_id: string; title: string; minutes: number }
export type InvitationState = 'open' | 'expired' | 'revoked' | 'used' | 'replaced';
export interface Invitation {
  state: InvitationState;
  tenant: Tenant;
  first_name: string | null;
  email: string | null;
  name: string | null;
  forms: FormLine[];
  expires_at: string | null;
}
export interface Verification {
  intact: boolean;
  sealed_by_us: boolean;
  sealed_at: string | null;
  sha256: string;
  reason: 'not_sealed' | 'changed' | 'not_a_pdf' | 'unknown_seal' | null;
}

export interface Address { line1: string; line2: string; city: string; region: string; postal_code: string; country: string }
export interface EmergencyContact { name: string; relationship: string; phone: string; may_contact: boolean }
export interface ProfileFields {
  legal_name: string;
  preferred_name: string | null;
  birth_date: string | null;
  phone: string | null;
  address: Address | null;
  emergency_contact: EmergencyContact | null;
}
export interface Profile extends ProfileFields { email: string | null; etag: string }

export interface Home {
  first_name: string;
  next: { kind: 'form'; intake_id: string; form_id: string; title: string } | null;
  forms_open: number;
  forms_total_minutes: number;
  documents: number;
  organization_note: string | null;
}

export type FormStatus = 'to_do' | 'started' | 'signed' | 'sealed';
export interface IntakeForm {
  form_id: string;
  title: string;
  version: number;
  status: FormStatus;
  minutes: number;
  signed_at: string | null;
  document_id: string | null;
  progress: { done: number; of: number } | null;
}
export interface Intake {
  intake_id: string;
  status: 'open' | 'completed' | 'revoked';
  sent_at: string;
  completed_at: string | null;
  sent_by_name: string;
  forms: IntakeForm[];
}

export type Block = string | { list: string[] } | { heading: string } | { table: { columns: string[]; rows: string[][] } };
export type Condition =
  | { field: string; any_of: unknown[] }
  | { age_under: number }
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition };
export type FieldType =
  | 'text' | 'long' | 'date' | 'choice' | 'choices' | 'yesno' | 'number' | 'scale' | 'table'
  | 'info' | 'agree' | 'initials' | 'signature';
export interface Field {
  id: string;
  type: FieldType;
  label?: string | null;
  help?: string | null;
  required?: boolean | null;
  when?: Condition | null;
  prefill?: string | null;
  options?: { id: string; label: string }[] | null;
  min?: number | null;
  max?: number | null;
  columns?: { id: string; label: string }[] | null;
  max_rows?: number | null;
  worrying?: unknown[] | null;
  highlight?: boolean | null;
  text?: Block[] | null;
  input?: 'tel' | 'email' | null;
  short_label?: string | null;
  ends?: [string, string] | string[] | null;
}
export interface Section {
  id: string;
  title: string;
  why?: string | null;
  skippable?: boolean | null;
  when?: Condition | null;
  fields: Field[];
}
export interface FormDefinition {
  form_id: string;
  version: number;
  title: string;
  kind?: 'questionnaire' | 'consent' | 'notice';
  minutes?: number;
  intro?: Block[] | null;
  review_note?: string | null;
  sections: Section[];
}
export type TableRow = Record<string, string>;
export type Value = string | number | boolean | string[] | TableRow[];
export type Answers = Record<string, Value | null>;

export interface FillingForm {
  intake_id: string;
  form_id: string;
  version: number;
  title: string;
  status: FormStatus;
  definition: FormDefinition;
  answers: Answers;
  skipped: string[];
  facts: { age: number | null };
  saved_at: string | null;
  position: string | null;
  disclosure: { version: number; text: Block[]; intent: string };
  signer: { name: string; relationship: string };
  number: number;
  of: number;
  next: { form_id: string; title: string } | null;
}
export interface Saved { saved_at: string; problems: unknown[] }
export type Strokes = number[][][];
export interface SignatureBody {
  method: 'typed' | 'drawn';
  typed_name: string;
  strokes: Strokes | null;
  printed_name: string;
  relationship: 'self' | 'parent' | 'guardian' | 'other';
  disclosure_version: number;
  consents: { read: boolean; esign: boolean; intent: boolean };
  time_zone: string;
}
export interface Signed {
  status: string;
  signed_at: string;
  next: { form_id: string; title: string } | null;
  packet_completed: boolean;
}

export interface Document {
  document_id: string;
  title: string;
  kind: string;
  form_id: string;
  version: number;
  status: 'sealing' | 'completed';
  signed_by: string;
  signed_at: string;
  filed_at: string | null;
  sha256: string | null;
  size: number | null;
  worrying?: boolean | null;
}
export interface RecordItem {
  field_id: string;
  label: string;
  kind: 'info' | 'answer' | 'table';
  value: string | string[] | string[][] | null;
  columns?: string[] | null;
  worrying?: boolean;
}
export interface DocumentRecord extends Document {
  sections: { section_id: string; title: string; skipped: boolean; items: RecordItem[] }[];
  signatures: {
    name: string;
    printed_name: string;
    relationship: string;
    method: 'typed' | 'drawn';
    signed_at: string;
    time_zone: string;
    strokes: Strokes | null;
  }[];
}
export interface Download { url: string; expires_at: string }

/* ---------- practice ---------- */
export interface Notification {
  notification_id: string;
  kind: 'packet_completed' | 'invitation_renewal_asked';
  client_id: string;
  client_name: string;
  intake_id: string | null;
  worrying: boolean;
  at: string;
  read: boolean;
}
export interface PracticeHome {
  first_name: string;
  notifications: Notification[];
  unread: number;
  clients: number;
  waiting: { client_id: string; client_name: string; state: string; since: string }[];
  checklist: unknown[];
}
export interface ClientRow {
  client_id: string;
  name: string;
  preferred_name: string | null;
  birth_date: string | null;
  status: 'active' | 'archived';
  portal: 'none' | 'invited' | 'expired' | 'active' | 'ended';
  therapists: { staff_id: string; name: string }[];
  worrying: boolean;
}
export interface Invite {
  invite_id: string;
  status: 'waiting' | 'completed' | 'expired' | 'revoked' | 'replaced';
  delivery: 'queued' | 'sent' | 'delivered' | 'bounced' | 'complained' | 'failed';
  email: string;
  sent_at: string;
  sent_by_name: string;
  expires_at: string;
  forms: { form_id: string; title: string }[];
  renewal_asked_at: string | null;
}
export type CannotInvite =
  | 'no_email' | 'already_active' | 'already_invited' | 'archived' | 'email_in_use' | 'no_permission' | 'feature_off';
export interface Client extends ClientRow {
  email: string | null;
  phone: string | null;
  address: Address | null;
  emergency_contact: EmergencyContact | null;
  joined_at: string | null;
  invite: Invite | null;
  can_invite: { allowed: boolean; reason: CannotInvite | null; title: string | null };
}
export interface InviteTemplate {
  subject: string;
  message: string;
  placeholders: string[];
  forms: { form_id: string; title: string; minutes: number; selected: boolean }[];
}
export interface InviteBody { form_ids: string[]; subject: string | null; message: string | null }
export interface InvitePreview {
  to: string;
  name: string;
  subject: string;
  text: string;
  html: string;
  forms: { form_id: string; title: string }[];
}
export interface Highlight { label: string; value: string; worrying: boolean; section_id: string; form_id: string }
export interface IntakeSummary {
  intake_id: string;
  client: { name: string; age: number | null; pronouns: string | null };
  completed_at: string | null;
  highlights: Highlight[];
  worrying: Highlight[];
  documents: Document[];
  in_person: string[];
}
export interface StaffVerification {
  intact: boolean;
  matches_record: boolean;
  sealed_at: string | null;
  sha256: string | null;
  reason: string | null;
}
export interface PracticeForm {
  form_id: string;
  title: string;
  version: number;
  status: string;
  sections: number;
  minutes: number;
  standard: boolean;
  review_note: string;
}
export interface PracticeFormDetail {
  form_id: string;
  version: number;
  title: string;
  definition: FormDefinition;
  review_note: string;
}
export interface SettingsFeature {
  feature: FeatureName;
  on: boolean;
  can_switch: boolean;
  reason: 'not_in_plan' | 'card_processing_not_connected' | null;
  in_plan: boolean;
}
export interface Scheduling {
  minimum_notice_hours: number;
  cancel_notice_hours: number;
  horizon_days: number;
  instant_confirmation: boolean;
}
export interface Settings {
  etag: string;
  plan: string;
  login_url: string;
  sign_up_url: string;
  features: SettingsFeature[];
  display_insurance: boolean;
  sign_up: boolean;
  crisis_text: string;
  crisis_phone: string;
  reply_time: string;
  idle_minutes_staff: number;
  idle_minutes_clients: number;
  neutral_mail: boolean;
  sender_name: string;
  scheduling: Scheduling;
  name: string;
  phone: string | null;
}
export type SettingsPatch = Partial<{
  features: Partial<Record<FeatureName, boolean>>;
  display_insurance: boolean;
  sign_up: boolean;
  crisis_text: string;
  crisis_phone: string;
  reply_time: string;
  idle_minutes_staff: number;
  idle_minutes_clients: number;
  neutral_mail: boolean;
  sender_name: string;
  scheduling: Partial<Scheduling>;
}>;
export interface Page<T> { items: T[]; next_cursor: string | null }

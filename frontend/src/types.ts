/** The shapes that travel between the API and the pages, under the names the pages use.
 *
 * They are aliases onto what is generated from the API's own description (api.d.ts). Only the inside of a form, which
 * the description calls plain JSON, is written out here. */
import type { components } from './api.d.ts';

type S = components['schemas'];

export type FeatureName = 'invitations' | 'intake_forms' | 'payments' | 'messaging' | 'self_scheduling';
export type Kind = 'staff' | 'client';
export type Tenant = S['TenantView'];
export type Session = S['SessionView'];
export type SignIn = S['SignIn'];

export type AccountView = S['AccountView'];
export type Enrolment = S['Enrolment'];
export type LinkOffer = S['LinkOffer'];
/** What a mailed link did: where to sign in now. */
export type Redeemed = S['Changed'];
export type SessionLine = S['SessionLine'];

export type Invitation = S['Invitation'];
export type Verification = S['Verdict'];

export type SignUpPage = S['SignUpPage'];
export type SignUpLink = S['SignUpLink'];
export type SignupRow = S['SignupView'];
export type AlikeFile = S['AlikeFile'];

export type Address = S['Address'];
export type ProfileFields = S['ProfileFields'];
export type Profile = S['Profile'];

export type Home = S['ClientHome'];
export type IntakeForm = S['FormState'];
export type Intake = S['IntakeView'];

/* ---------- the inside of a form ---------- */
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


/** A form being filled in: the description's `OpenForm` with the inside of the form written out. */
export type FillingForm = Omit<S['OpenForm'], 'definition' | 'answers' | 'disclosure'> & {
  definition: FormDefinition;
  answers: Answers;
  disclosure: Omit<S['Disclosure'], 'text'> & { text: Block[] };
};
export type Strokes = number[][][];
export type SignatureBody = S['SignatureIn'];

/** A signed or uploaded document; what is of safety answers, and who added it, is there for staff only. */
interface Safety { worrying?: boolean | null; seen_by_name?: string | null; seen_at?: string | null }
interface Added { shared?: boolean; added_by_name?: string | null }
export type Document = S['MyDocument'] & Safety & Added;
export type RecordItem = Omit<S['RecordItem'], 'value'> & { value: unknown; worrying?: boolean | null };
export type DocumentRecord = Omit<S['MyDocumentRecord'], 'sections'> & Safety & Added & {
  sections: (Omit<S['RecordSection'], 'items'> & { items: RecordItem[] })[];
};
export type UploadTicket = S['UploadTicket'];
export type Upload = S['UploadView'];

export type Bookable = S['SchedulingView'];
export type MyAppointment = S['MyAppointment'];

export type Money = S['Money'];
export type InvoiceRow = S['InvoiceRow'];
export type Invoice = S['InvoiceView'];
export type MyBilling = S['MyBilling'];
export type Payment = S['PaymentView'];
export type PaymentBody = S['PaymentIn'];
export type MyCards = S['MyCards'];
export type SavedCard = S['SavedCard'];
export type SheetBody = S['SheetIn'];
export type Sheet = S['SheetView'];
export type PayLink = S['PayLinkView'];
export type GuestPage = S['GuestPage'];

/* ---------- practice ---------- */
export type Notification = S['NotificationView'];
export type PracticeHome = S['StaffHome'];
export type StaffPayment = S['StaffPaymentView'];
export type ClientRow = S['ClientRow'];
export type ClientPage = S['ClientPage'];
export type Invite = S['InviteView'];
export type Insurance = S['Insurance'];
export type ImportLook = S['ImportLook'];
export type ImportField = NonNullable<S['ImportColumn']['field']>;
export type Client = S['ClientDetails'];
export type InviteTemplate = S['InviteTemplate'];
export type InviteBody = S['InviteIn'];
export type InvitePreview = S['InvitePreview'];
export type Oddity = S['OddityView'];
export type Wording = S['WordingView'];
export type WordingList = S['WordingList'];
export type ManyLook = S['ManyLook'];
export type Mail = S['MailView'];
export type Sender = S['SenderView'];
export type Highlight = S['SummaryLine'];
export type IntakeSummary = S['Summary'];
export type StaffVerification = S['StoredVerdict'];
export type PracticeForm = S['FormRow'];
export type PracticeFormDetail = Omit<S['FormPreview'], 'definition'> & { definition: FormDefinition };
export type FormDraft = Omit<S['DraftView'], 'definition'> & { definition: FormDefinition };
export type DraftBody = S['DraftIn'];
export type FormVersions = S['FormVersions'];
export type SentIntake = S['SentIntake'];
export type SentForm = S['SentForm'];
export type Possible = S['Possible'];
export type NewForms = S['NewForms'];
export type UnfinishedRow = S['UnfinishedRow'];
export type UnfinishedPage = S['UnfinishedPage'];
export type OutdatedRow = S['OutdatedRow'];
export type Job = S['JobView'];
export type JobItem = S['JobItemView'];
export type SettingsFeature = S['FeatureSwitch'];
export type Settings = S['SettingsView'];
export type SettingsPatch = S['SettingsChange'];
export type ApiToken = S['ApiTokenView'];
export type NewApiToken = S['NewApiToken'];
export type ApiTokens = S['ApiTokenList'];
export type Scope = S['Scope'];

export type Organization = S['OrganizationView'];
export type StaffMember = S['StaffView'];
export type NewStaff = S['NewStaff'];
export type StaffLink = S['StaffLink'];
export type Subscription = S['SubscriptionView'];
export type Plan = S['PlanView'];
export type Bill = S['Bill'];
export interface Page<T> { items: T[]; next_cursor: string | null }
export type Offer = S['OfferView'];
export type OfferBody = S['OfferChange'];
export type Availability = S['AvailabilityView'];
export type AvailabilityBody = S['AvailabilityChange'];
export type Hours = S['RangeIn'];
export type TherapistCalendar = S['TherapistCalendar'];
export type CalendarEntry = S['CalendarEntry'];
export type ClientAppointment = S['ClientAppointment'];
export type TimeCheck = S['TimeCheck'];
export type ClientInvoices = S['ClientInvoices'];
export type TenantInvoiceRow = S['TenantInvoiceRow'];
export type InvoiceBody = S['InvoiceIn'];
export type Billable = S['Billable'];
export type LedgerEntry = S['EntryView'];
export type Processing = S['ProcessingView'];
export type Export = S['ExportView'];
export type MailKind = S['NoticeChoicesIn']['muted'][number];
export type Waiter = S['WaiterView'];
export type MyWait = S['MyWait'];

/* ---------- secure messaging ---------- */
export type Folder = 'inbox' | 'sent' | 'trash';
/** A conversation in a list; whose it is, and whether the asker takes part, is there for staff only. */
export type ThreadLine = Omit<S['MyThread'], 'subject'> & { subject: string | null } & Partial<Pick<S['ThreadRow'], 'client_id' | 'client_name' | 'mine' | 'last_from_practice'>>;
export type Message = S['MessageView'];
export type MessageFile = S['AttachmentView'];
export type ComposerFacts = S['Composer'];
export type Conversation = Omit<S['MyConversation'], 'thread'> & { thread: ThreadLine; reason?: string | null };
export type MessageDraft = S['MessageDraft'];
export type MessageDraftBody = S['MessageDraftIn'];
export type SentMessage = S['SentMessage'];
export type ThreadPdf = S['PdfView'];
export type PrintedThread = S['PrintView'];
export type Choice = S['Choice'];
export type ClientThreads = S['ClientThreads'];
export type ContactEntry = S['ContactView'];
export type MassLook = S['MassLook'];
export type SeriesBody = S['SeriesIn'];
export type SeriesCheck = S['SeriesCheck'];
export type TimeLook = S['TimeLook'];
export type Series = S['SeriesView'];
export type Occurrence = S['OccurrenceView'];
export type Group = S['GroupView'];
export type GroupMember = S['GroupMember'];
export type GroupCheck = S['GroupCheck'];
export type GroupSeries = S['GroupSeriesView'];
export type GroupSeriesBody = S['GroupSeriesIn'];
export type GroupSeriesCheck = S['GroupSeriesCheck'];
export type GroupOccurrence = S['GroupOccurrence'];

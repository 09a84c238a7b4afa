import type * as T from './types.ts';

type Method = 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch' | 'trace';
type Json<B> = { content: { 'application/json': B } };
type Answer<S extends number, B> = { [K in S]: { headers: { [name: string]: unknown } } & (B extends null ? { content?: never } : Json<B>) };
type Op<S extends number, R, B = never, P = never, Q = never, H = never> = {
  parameters: ([Q] extends [never] ? { query?: never } : { query?: Q }) &
    ([H] extends [never] ? { header?: never } : { header: H }) &
    ([P] extends [never] ? { path?: never } : { path: P }) & { cookie?: never };
  responses: Answer<S, R>;
} & ([B] extends [never] ? { requestBody?: never } : { requestBody: Json<B> });
type Item<O extends Partial<Record<Method, unknown>>> = O & { [K in Exclude<Method, keyof O>]?: never } & { parameters: { query?: never; header?: never; path?: never; cookie?: never } };

type IK = { 'Idempotency-Key': string };
type IM = { 'If-Match': string };
type Cursor = { cursor?: string; limit?: number };
type F = { intake_id: string; form_id: string };
type C = { client_id: string };

export interface paths {
  '/tenants/{slug}': Item<{ get: Op<200, T.Tenant, never, { slug: string }> }>;
  '/sessions': Item<{ post: Op<201, T.Session, T.SignIn> }>;
  '/session': Item<{ get: Op<200, T.Session>; delete: Op<204, null> }>;
  '/session/activity': Item<{ post: Op<200, T.Session> }>;
  '/invitations/lookup': Item<{ post: Op<200, T.Invitation, { token: string }> }>;
  '/invitations/redemption': Item<{ post: Op<201, T.Session, { token: string; password: string; preferred_name: string | null; profile: T.ProfileFields }> }>;
  '/invitations/renewal': Item<{ post: Op<202, Record<string, never>, { token: string }> }>;
  '/verification': Item<{ post: Op<200, T.Verification> }>;
  '/portal/home': Item<{ get: Op<200, T.Home> }>;
  '/portal/profile': Item<{ get: Op<200, T.Profile>; patch: Op<200, T.Profile, T.ProfileFields, never, never, IM> }>;
  '/portal/intakes': Item<{ get: Op<200, T.Page<T.Intake>, never, never, Cursor> }>;
  '/portal/intakes/{intake_id}/forms/{form_id}': Item<{ get: Op<200, T.FillingForm, never, F> }>;
  '/portal/intakes/{intake_id}/forms/{form_id}/sections/{section_id}': Item<{ patch: Op<200, T.Saved, { answers: T.Answers; skipped: boolean | null; position: boolean }, F & { section_id: string }> }>;
  '/portal/intakes/{intake_id}/forms/{form_id}/signature': Item<{ post: Op<201, T.Signed, T.SignatureBody, F, never, IK> }>;
  '/portal/documents': Item<{ get: Op<200, T.Page<T.Document>, never, never, Cursor> }>;
  '/portal/documents/{document_id}': Item<{ get: Op<200, T.DocumentRecord, never, { document_id: string }> }>;
  '/portal/documents/{document_id}/download': Item<{ post: Op<200, T.Download, never, { document_id: string }> }>;
  '/practice/home': Item<{ get: Op<200, T.PracticeHome> }>;
  '/practice/notifications': Item<{ get: Op<200, T.Page<T.Notification>, never, never, Cursor> }>;
  '/practice/notifications/{notification_id}/read': Item<{ post: Op<204, null, never, { notification_id: string }> }>;
  '/practice/clients': Item<{ get: Op<200, T.Page<T.ClientRow>, never, never, Cursor & { search?: string }> }>;
  '/practice/clients/{client_id}': Item<{ get: Op<200, T.Client, never, C> }>;
  '/practice/clients/{client_id}/invites': Item<{ get: Op<200, T.Page<T.Invite>, never, C, Cursor>; post: Op<201, T.Invite, T.InviteBody, C, never, IK> }>;
  '/practice/clients/{client_id}/invites/template': Item<{ get: Op<200, T.InviteTemplate, never, C> }>;
  '/practice/clients/{client_id}/invites/preview': Item<{ post: Op<200, T.InvitePreview, T.InviteBody, C> }>;
  '/practice/clients/{client_id}/invites/{invite_id}/resend': Item<{ post: Op<201, T.Invite, never, C & { invite_id: string }, never, IK> }>;
  '/practice/clients/{client_id}/invites/{invite_id}/revoke': Item<{ post: Op<200, T.Invite, never, C & { invite_id: string }> }>;
  '/practice/clients/{client_id}/intakes': Item<{ get: Op<200, T.Page<T.Intake>, never, C, Cursor> }>;
  '/practice/clients/{client_id}/intakes/{intake_id}/summary': Item<{ get: Op<200, T.IntakeSummary, never, C & { intake_id: string }> }>;
  '/practice/clients/{client_id}/documents': Item<{ get: Op<200, T.Page<T.Document>, never, C, Cursor> }>;
  '/practice/clients/{client_id}/documents/{document_id}': Item<{ get: Op<200, T.DocumentRecord, never, C & { document_id: string }> }>;
  '/practice/clients/{client_id}/documents/{document_id}/download': Item<{ post: Op<200, T.Download, never, C & { document_id: string }> }>;
  '/practice/clients/{client_id}/documents/{document_id}/verification': Item<{ get: Op<200, T.StaffVerification, never, C & { document_id: string }> }>;
  '/practice/forms': Item<{ get: Op<200, { items: T.PracticeForm[] }> }>;
  '/practice/forms/{form_id}': Item<{ get: Op<200, T.PracticeFormDetail, never, { form_id: string }> }>;
  '/practice/settings': Item<{ get: Op<200, T.Settings>; patch: Op<200, T.Settings, T.SettingsPatch, never, never, IM> }>;
}

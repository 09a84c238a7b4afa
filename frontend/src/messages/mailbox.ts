/** The two sides of secure messaging as one: what a client asks of the portal and staff ask of the practice. */
import { api, BACKGROUND, call, callUnlessSame } from '../http.ts';
import type { Conversation, Folder, Kind, MessageDraft, MessageDraftBody, PrintedThread, SentMessage, ThreadLine, ThreadPdf } from '../types.ts';
import type { Way } from '../upload.ts';

export interface ThreadPage { items: ThreadLine[]; next_cursor: string | null }

/** One's own lists. */
export interface Mailbox {
  list: (folder: Folder, cursor?: string | null, background?: boolean) => Promise<ThreadPage>;
  /** By the name of a person, over the whole inbox. */
  find: (search: string) => Promise<ThreadPage>;
  /** How many conversations hold something unread; null: as many as with this tag. */
  unread: (etag: string) => Promise<{ unread: number; etag: string } | null>;
}

/** What somebody writes: into a conversation, or a new one. */
export interface Outgoing { to: string | null; subject: string; body: string; upload_ids: string[]; copy: boolean }

/** A place to write at: its draft, its files, and the sending. `name` is the same for the same place. */
export interface Desk {
  name: string;
  draft: () => Promise<MessageDraft>;
  save: (body: MessageDraftBody) => Promise<MessageDraft>;
  drop: () => Promise<unknown>;
  send: (letter: Outgoing, key: string) => Promise<SentMessage>;
  uploads: Way;
}

export interface Asked { cursor?: string; after?: number }

/** One conversation of one's own. */
export interface Talk {
  /** Null: nothing has changed since this tag. */
  read: (asked: Asked, etag?: string) => Promise<Conversation | null>;
  seen: (up_to: number) => Promise<unknown>;
  trash: () => Promise<unknown>;
  restore: () => Promise<unknown>;
  /** A short-lived link to an attachment. */
  file: (attachment_id: string) => Promise<{ url: string }>;
  printed: (cursor?: string) => Promise<PrintedThread>;
  pdf: () => Promise<ThreadPdf>;
  pdfState: (print_id: string) => Promise<ThreadPdf>;
  pdfLink: (print_id: string) => Promise<{ url: string }>;
  desk: Desk;
}

const quiet = (background?: boolean) => (background ? { headers: BACKGROUND } : {});
const tag = (etag?: string) => (etag ? { header: { 'If-None-Match': `"${etag}"` } } : {});
const keyed = (key: string) => ({ header: { 'Idempotency-Key': key } });
const message = (about: { name: string; size: number }) => ({ ...about, purpose: 'message' as const, category: 'other' as const });

/* ---------- clients ---------- */

const myMail: Mailbox = {
  list: (folder, cursor, background) => call(api.GET('/portal/messages', { params: { query: { folder, ...(cursor ? { cursor } : {}) } }, ...quiet(background) })),
  find: (search) => call(api.POST('/portal/messages/search', { body: { search } })),
  unread: (etag) => callUnlessSame(api.GET('/portal/messages/unread', { params: { ...tag(etag) }, headers: BACKGROUND })),
};

const myUploads: Way = {
  begin: (about) => call(api.POST('/portal/uploads', { body: message(about) })),
  finish: (upload_id) => call(api.POST('/portal/uploads/{upload_id}/finish', { params: { path: { upload_id } } })),
  read: (upload_id) => call(api.GET('/portal/uploads/{upload_id}', { params: { path: { upload_id } }, headers: BACKGROUND })),
};

/** Where a client begins a conversation. */
export const myNewDesk: Desk = {
  name: 'new',
  draft: () => call(api.GET('/portal/message-draft')),
  save: (body) => call(api.PUT('/portal/message-draft', { body })),
  drop: () => call(api.DELETE('/portal/message-draft')),
  send: ({ to, subject, body, upload_ids }, key) => call(api.POST('/portal/messages', { params: keyed(key), body: { to: to ?? '', subject, body, upload_ids, clear_draft: true } })),
  uploads: myUploads,
};

/** A conversation as its client has it. */
export function myTalk(thread_id: string): Talk {
  const path = { thread_id };
  return {
    read: (query, etag) => callUnlessSame(api.GET('/portal/messages/{thread_id}', { params: { path, query, ...tag(etag) }, ...quiet(etag !== undefined) })),
    seen: (up_to) => call(api.POST('/portal/messages/{thread_id}/read', { params: { path }, body: { up_to }, headers: BACKGROUND })),
    trash: () => call(api.POST('/portal/messages/{thread_id}/trash', { params: { path } })),
    restore: () => call(api.POST('/portal/messages/{thread_id}/restore', { params: { path } })),
    file: (attachment_id) => call(api.POST('/portal/messages/{thread_id}/attachments/{attachment_id}/download', { params: { path: { ...path, attachment_id } } })),
    printed: (cursor) => call(api.GET('/portal/messages/{thread_id}/print', { params: { path, query: cursor ? { cursor } : {} } })),
    pdf: () => call(api.POST('/portal/messages/{thread_id}/pdf', { params: { path } })),
    pdfState: (print_id) => call(api.GET('/portal/messages/{thread_id}/pdf/{print_id}', { params: { path: { ...path, print_id } }, headers: BACKGROUND })),
    pdfLink: (print_id) => call(api.POST('/portal/messages/{thread_id}/pdf/{print_id}/download', { params: { path: { ...path, print_id } } })),
    desk: {
      name: thread_id,
      draft: () => call(api.GET('/portal/messages/{thread_id}/draft', { params: { path } })),
      save: (body) => call(api.PUT('/portal/messages/{thread_id}/draft', { params: { path }, body })),
      drop: () => call(api.DELETE('/portal/messages/{thread_id}/draft', { params: { path } })),
      send: ({ body, upload_ids }, key) => call(api.POST('/portal/messages/{thread_id}', { params: { path, ...keyed(key) }, body: { body, upload_ids, clear_draft: true } })),
      uploads: myUploads,
    },
  };
}

/* ---------- staff ---------- */

const practiceMail: Mailbox = {
  list: (folder, cursor, background) => call(api.GET('/practice/messages', { params: { query: { folder, ...(cursor ? { cursor } : {}) } }, ...quiet(background) })),
  find: (search) => call(api.POST('/practice/messages/search', { body: { search } })),
  unread: (etag) => callUnlessSame(api.GET('/practice/messages/unread', { params: { ...tag(etag) }, headers: BACKGROUND })),
};

function uploadsTo(client_id: string): Way {
  return {
    begin: (about) => call(api.POST('/practice/clients/{client_id}/uploads', { params: { path: { client_id } }, body: { ...message(about), shared: false } })),
    finish: (upload_id) => call(api.POST('/practice/clients/{client_id}/uploads/{upload_id}/finish', { params: { path: { client_id, upload_id } } })),
    read: (upload_id) => call(api.GET('/practice/clients/{client_id}/uploads/{upload_id}', { params: { path: { client_id, upload_id } }, headers: BACKGROUND })),
  };
}

/** Where staff begin a conversation with a client. */
export function newDeskTo(client_id: string): Desk {
  const path = { client_id };
  return {
    name: client_id,
    draft: () => call(api.GET('/practice/clients/{client_id}/message-draft', { params: { path } })),
    save: (body) => call(api.PUT('/practice/clients/{client_id}/message-draft', { params: { path }, body })),
    drop: () => call(api.DELETE('/practice/clients/{client_id}/message-draft', { params: { path } })),
    send: ({ subject, body, upload_ids, copy }, key) => call(api.POST('/practice/clients/{client_id}/messages', {
      params: { path, ...keyed(key) }, body: { subject, body, upload_ids, copy_to_log: copy, clear_draft: true },
    })),
    uploads: uploadsTo(client_id),
  };
}

/** A conversation of a staff member's with a client. */
export function talkWith(client_id: string, thread_id: string): Talk {
  const path = { client_id, thread_id };
  return {
    read: (query, etag) => callUnlessSame(api.GET('/practice/clients/{client_id}/messages/{thread_id}', { params: { path, query, ...tag(etag) }, ...quiet(etag !== undefined) })),
    seen: (up_to) => call(api.POST('/practice/clients/{client_id}/messages/{thread_id}/read', { params: { path }, body: { up_to }, headers: BACKGROUND })),
    trash: () => call(api.POST('/practice/clients/{client_id}/messages/{thread_id}/trash', { params: { path } })),
    restore: () => call(api.POST('/practice/clients/{client_id}/messages/{thread_id}/restore', { params: { path } })),
    file: (attachment_id) => call(api.POST('/practice/clients/{client_id}/messages/{thread_id}/attachments/{attachment_id}/download', { params: { path: { ...path, attachment_id } } })),
    printed: (cursor) => call(api.GET('/practice/clients/{client_id}/messages/{thread_id}/print', { params: { path, query: cursor ? { cursor } : {} } })),
    pdf: () => call(api.POST('/practice/clients/{client_id}/messages/{thread_id}/pdf', { params: { path } })),
    pdfState: (print_id) => call(api.GET('/practice/clients/{client_id}/messages/{thread_id}/pdf/{print_id}', { params: { path: { ...path, print_id } }, headers: BACKGROUND })),
    pdfLink: (print_id) => call(api.POST('/practice/clients/{client_id}/messages/{thread_id}/pdf/{print_id}/download', { params: { path: { ...path, print_id } } })),
    desk: {
      name: thread_id,
      draft: () => call(api.GET('/practice/clients/{client_id}/messages/{thread_id}/draft', { params: { path } })),
      save: (body) => call(api.PUT('/practice/clients/{client_id}/messages/{thread_id}/draft', { params: { path }, body })),
      drop: () => call(api.DELETE('/practice/clients/{client_id}/messages/{thread_id}/draft', { params: { path } })),
      send: ({ body, upload_ids, copy }, key) => call(api.POST('/practice/clients/{client_id}/messages/{thread_id}', {
        params: { path, ...keyed(key) }, body: { body, upload_ids, copy_to_log: copy, clear_draft: true },
      })),
      uploads: uploadsTo(client_id),
    },
  };
}

export function mailOf(kind: Kind): Mailbox {
  return kind === 'client' ? myMail : practiceMail;
}

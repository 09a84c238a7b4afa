/** The staff messaging pages are fetched when they are first opened. */
import { page } from '../../chunk.ts';

export const MessagesPage = page(() => import('./messages.tsx'));
export const NewMessagePage = page(() => import('./begin.tsx'));
export const PickRecipientPage = page(() => import('./pick.tsx'));
export const MassMessagePage = page(() => import('./many.tsx'));
export const MassJobPage = page(() => import('./job.tsx'));
export const OpenedPage = page(() => import('./opened.tsx'));
export const PrintThreadPage = page(() => import('./print.tsx'));

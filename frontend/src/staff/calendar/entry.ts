/** What an entry of the calendar is called, and where it leads: an appointment of a client, or a group. */
import { calendar } from '../../strings/calendar.ts';
import { recurring } from '../../strings/recurring.ts';
import type { CalendarEntry } from '../../types.ts';

export function nameOf(entry: Pick<CalendarEntry, 'client_name' | 'group'>): string {
  return entry.group ? recurring.group.places(entry.group.taken, entry.group.capacity) : entry.client_name ?? calendar.page.hidden;
}

/** Null: the asker may not see whose it is. */
export function hrefOf(entry: Pick<CalendarEntry, 'client_id' | 'group' | 'staff_id' | 'appointment_id'>): string | null {
  if (entry.group) return groupHref(entry.staff_id, entry.appointment_id);
  return entry.client_id ? `/staff/clients/${entry.client_id}/appointments/${entry.appointment_id}` : null;
}

export const groupSeriesHref = (staff_id: string, series_id: string) => `/staff/groups/${staff_id}/series/${series_id}`;
export const groupHref = (staff_id: string, group_id: string) => `/staff/groups/${staff_id}/${group_id}`;

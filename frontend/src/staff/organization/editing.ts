/** Changing the text of a form: pure functions over its definition. Nothing that they do not know is lost. */
import type { Condition, Field, FieldType, FormDefinition, Section } from '../../types.ts';

export const TYPES: FieldType[] = ['text', 'long', 'date', 'choice', 'choices', 'yesno', 'number', 'scale', 'table', 'info', 'agree', 'initials', 'signature'];

/** A list with one of its members at another place; as it was when that place is none. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const next = [...list];
  if (to < 0 || to >= list.length) return next;
  next.splice(to, 0, ...next.splice(from, 1));
  return next;
}

export const without = <T>(list: readonly T[], at: number): T[] => list.filter((_, index) => index !== at);
export const replaced = <T>(list: readonly T[], at: number, one: T): T[] => list.map((old, index) => (index === at ? one : old));

/** A name that is not taken: `stem_1`, `stem_2`, … */
export function freeId(stem: string, taken: readonly string[]): string {
  for (let n = 1; ; n += 1) if (!taken.includes(`${stem}_${n}`)) return `${stem}_${n}`;
}

export const fieldIds = (form: FormDefinition): string[] => form.sections.flatMap((section) => section.fields.map((field) => field.id));

/** A new question with everything that its type must have, except words. */
export function newField(type: FieldType, taken: readonly string[]): Field {
  const id = freeId(type, taken);
  const options = [{ id: 'option_1', label: '' }, { id: 'option_2', label: '' }];
  const more: Partial<Record<FieldType, Partial<Field>>> = {
    choice: { options }, choices: { options }, table: { columns: [{ id: 'column_1', label: '' }], max_rows: 5 }, scale: { ends: ['', ''] },
    info: { text: [] }, agree: { required: true }, initials: { required: true },
  };
  return { id, type, ...(type === 'info' ? {} : { label: '' }), ...more[type] };
}

export function newSection(form: FormDefinition): Section {
  return { id: freeId('part', form.sections.map((section) => section.id)), title: '', why: '', fields: [] };
}

/** Puts a question in at the end of a section, before the signature if that is last. */
export function withField(section: Section, field: Field): Section {
  const last = section.fields.at(-1);
  const end = last?.type === 'signature' ? section.fields.length - 1 : section.fields.length;
  return { ...section, fields: [...section.fields.slice(0, end), field, ...section.fields.slice(end)] };
}

/** Puts a part in at the end, before the one with the signature. */
export function withSection(form: FormDefinition, section: Section): FormDefinition {
  const signed = form.sections.findIndex((one) => one.fields.some((field) => field.type === 'signature'));
  const end = signed < 0 ? form.sections.length : signed;
  return { ...form, sections: [...form.sections.slice(0, end), section, ...form.sections.slice(end)] };
}

/** What is not set is left out, so that a text that is put back is the text that was there. */
export function tidy(field: Field): Field {
  return Object.fromEntries(Object.entries(field).filter(([, value]) => value !== undefined && value !== null && value !== false && value !== '' || value === 0)) as unknown as Field;
}

/** A condition in words, with the questions by their labels. */
export function inWords(condition: Condition, form: FormDefinition): string {
  if ('age_under' in condition) return `the client is under ${condition.age_under}`;
  if ('all' in condition) return condition.all.map((one) => inWords(one, form)).join(', and ');
  if ('any' in condition) return condition.any.map((one) => inWords(one, form)).join(', or ');
  if ('not' in condition) return `it is not so that ${inWords(condition.not, form)}`;
  const field = form.sections.flatMap((section) => section.fields).find((one) => one.id === condition.field);
  const named = (value: unknown) => typeof value === 'boolean' ? (value ? 'yes' : 'no') : field?.options?.find((option) => option.id === value)?.label ?? String(value);
  return `“${field?.label ?? condition.field}” is ${condition.any_of.map(named).join(' or ')}`;
}

/** Everything a page is made of, from one place. */
export * from './parts.tsx';
export * from './hooks.ts';
export * from './format.ts';
export * from './appointment.ts';
export { Icon, type IconName } from './icons.tsx';
export { Heading, setOrganization } from './page.tsx';
export { countries, SelectField, zones } from './select.tsx';
export { FileField } from './file.tsx';
export { saveText } from './save.ts';
export { fetchLink } from './link.ts';

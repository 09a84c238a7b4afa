/** A choice from a list that the browser draws. */
import type { ComponentChildren } from 'preact';
import { Field } from './parts.tsx';

interface SelectFieldProps {
  label: ComponentChildren;
  help?: ComponentChildren;
  error?: string | null;
  id?: string;
  value: string;
  options: readonly (readonly [value: string, label: string])[];
  disabled?: boolean;
  onChange: (value: string) => void;
}

export function SelectField({ value, options, disabled, onChange, ...field }: SelectFieldProps) {
  const listed = options.some(([one]) => one === value);
  return (
    <Field {...field}>
      {(wiring) => (
        <select {...wiring} value={value} disabled={disabled} onChange={(event) => onChange(event.currentTarget.value)}>
          {!listed && <option value={value}>{value}</option>}
          {options.map(([one, label]) => <option key={one} value={one}>{label}</option>)}
        </select>
      )}
    </Field>
  );
}

/** Every time zone the browser knows, by its place. */
export function zones(): [string, string][] {
  return Intl.supportedValuesOf('timeZone').map((zone) => [zone, zone.replaceAll('_', ' ')]);
}

const CODES = ('AD AE AG AL AM AR AT AU AZ BA BB BD BE BG BH BO BR BS BW BY BZ CA CH CL CM CN CO CR CY CZ DE DK DM DO DZ EC EE EG ES ET FI FJ FR GB GD '
  + 'GE GH GR GT GY HK HN HR HT HU ID IE IL IN IS IT JM JO JP KE KH KN KR KW KZ LB LC LI LK LT LU LV MA MC MD ME MK MN MO MT MU MX MY NA NG NI NL NO NP '
  + 'NZ OM PA PE PH PK PL PR PT PY QA RO RS RW SA SE SG SI SK SM SN SV TH TN TR TT TW TZ UA UG US UY UZ VC VN ZA ZM ZW').split(' ');

/** Countries by their English names, the United States first. */
export function countries(): [string, string][] {
  const names = new Intl.DisplayNames(['en'], { type: 'region' });
  const all = CODES.map((code): [string, string] => [code, names.of(code) ?? code]);
  all.sort((one, other) => (one[0] === 'US' ? -1 : other[0] === 'US' ? 1 : one[1].localeCompare(other[1])));
  return all;
}

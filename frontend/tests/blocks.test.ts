/** What the editor shows of the standard forms is what it saves of them. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fromText, toText } from '../src/staff/organization/blocks.ts';
import type { FormDefinition } from '../src/types.ts';

const FOLDER = new URL('../../chalicelib/forms/', import.meta.url);

for (const name of readdirSync(FOLDER).filter((each) => each.endsWith('.json'))) {
  test(`every text of ${name} comes back as it was`, () => {
    const form = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as FormDefinition;
    for (const blocks of [form.intro, ...form.sections.flatMap((section) => section.fields.map((field) => field.text))]) {
      if (blocks) assert.deepEqual(fromText(toText(blocks)), blocks);
    }
  });
}

test('a table, a list and a heading among paragraphs', () => {
  const text = '# Fees\n\nWhat it costs.\n\n| Service | Fee |\n| First visit | 200 |\n\n- one\n- two';
  assert.deepEqual(fromText(text), [
    { heading: 'Fees' }, 'What it costs.', { table: { columns: ['Service', 'Fee'], rows: [['First visit', '200']] } }, { list: ['one', 'two'] },
  ]);
  assert.equal(toText(fromText(text)), text);
  assert.deepEqual(fromText('  \n\n '), []);
});

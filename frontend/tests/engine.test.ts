/** The form engine keeps the same rules as the server's: both are held to tests/vectors/forms.json. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { look, missing, worrying } from '../src/forms/engine.ts';
import type { Answers, FormDefinition } from '../src/types.ts';

interface Vector {
  name: string;
  form: FormDefinition;
  answers: Answers;
  skipped: string[];
  facts: { age: number | null };
  today: string;
  visible_sections: string[];
  visible_fields: string[];
  missing: string[];
  worrying: string[];
}

const vectors = JSON.parse(readFileSync(new URL('../../tests/vectors/forms.json', import.meta.url), 'utf-8')) as Vector[];

test('the file of vectors is there', () => assert.ok(vectors.length > 50));

for (const vector of vectors) {
  test(vector.name, () => {
    const sight = look(vector.form, vector.answers, vector.skipped, { age: vector.facts.age, today: vector.today });
    assert.deepEqual(sight.parts.map((part) => part.section.id), vector.visible_sections);
    assert.deepEqual(sight.parts.flatMap((part) => part.fields.map((field) => field.id)), vector.visible_fields);
    assert.deepEqual(missing(sight), vector.missing);
    assert.deepEqual(worrying(sight), vector.worrying);
  });
}

/** Blocks of plain text as a form holds them: paragraphs, headings, lists, tables. Never markup. */
import type { Block } from '../types.ts';

export function Blocks({ blocks, level = 3 }: { blocks: readonly Block[]; level?: 2 | 3 | 4 }) {
  const Tag = `h${level}` as 'h3';
  return <>{blocks.map((block, index) => <BlockView key={index} block={block} Tag={Tag} />)}</>;
}

function BlockView({ block, Tag }: { block: Block; Tag: 'h3' }) {
  if (typeof block === 'string') return <p class="said">{block}</p>;
  if ('heading' in block) return <Tag>{block.heading}</Tag>;
  if ('list' in block) return <ul class="bullets">{block.list.map((item, index) => <li key={index}>{item}</li>)}</ul>;
  return <Grid columns={block.table.columns} rows={block.table.rows} />;
}

/** A small table that folds into lines on a phone. */
export function Grid({ columns, rows }: { columns: readonly string[]; rows: readonly (readonly string[])[] }) {
  return (
    <div class="card flush">
      <table class="fold">
        <thead><tr>{columns.map((column, index) => <th key={index} scope="col">{column}</th>)}</tr></thead>
        <tbody>{rows.map((row, index) => <tr key={index}>{row.map((cell, at) => <td key={at} data-label={columns[at]}><span class="said">{cell || '–'}</span></td>)}</tr>)}</tbody>
      </table>
    </div>
  );
}

/** Blocks of text as one text that people can type, and back. What one makes of the other's words is the same again. */
import type { Block } from '../../types.ts';

/** One text: paragraphs apart by an empty line, "# " a heading, "- " an item, "| a | b |" a row of a table. */
export function toText(blocks: readonly Block[] | null | undefined): string {
  return (blocks ?? []).map(one).join('\n\n');
}

function one(block: Block): string {
  if (typeof block === 'string') return block;
  if ('heading' in block) return `# ${block.heading}`;
  if ('list' in block) return block.list.map((item) => `- ${item}`).join('\n');
  return [block.table.columns, ...block.table.rows].map((row) => `| ${row.map((cell) => cell.replaceAll('|', '/')).join(' | ')} |`).join('\n');
}

export function fromText(text: string): Block[] {
  return text.split(/\n\s*\n/u).map((part) => part.trim()).filter(Boolean).map(block);
}

function block(part: string): Block {
  const lines = part.split('\n');
  if (lines.every((line) => line.startsWith('- '))) return { list: lines.map((line) => line.slice(2).trim()).filter(Boolean) };
  if (lines.every((line) => line.startsWith('| '))) {
    const [columns, ...rows] = lines.map((line) => line.trim().replace(/^\|\s?|\s?\|$/gu, '').split('|').map((cell) => cell.trim()));
    return { table: { columns: columns!, rows } };
  }
  return lines.length === 1 && part.startsWith('# ') ? { heading: part.slice(2).trim() } : part;
}

import { stripVTControlCharacters } from 'node:util';

/** Draws the openstack client's kind of table. Control characters in names are shown, not sent to the terminal. */
export function renderTable(header: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const cells = [header, ...rows].map((row) => row.map((cell) => printable(cell)));
  const widths = header.map((_, column) =>
    Math.max(...cells.map((row) => Math.max(...(row[column] ?? ['']).map((line) => width(line))))),
  );
  const rule = `+${widths.map((size) => '-'.repeat(size + 2)).join('+')}+`;
  const draw = (row: ReadonlyArray<readonly string[]>): string => {
    const height = Math.max(...row.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) => {
      const parts = widths.map((size, column) => {
        const text = row[column]?.[line] ?? '';
        return ` ${text}${' '.repeat(size - width(text))} `;
      });
      return `|${parts.join('|')}|`;
    }).join('\n');
  };
  const [top = [], ...body] = cells;
  return [rule, draw(top), rule, ...(body.length > 0 ? [...body.map(draw), rule] : [])].join('\n');
}

function printable(cell: string): readonly string[] {
  return cell.split('\n').map((line) =>
    // A name is another person's text: it must not move the cursor of whoever lists it.
    // oxlint-disable-next-line no-control-regex
    line.replaceAll(/[\u0000-\u001F\u007F-\u009F]/g, (character) => {
      return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
    }),
  );
}

const segmenter = new Intl.Segmenter();
const width = (text: string): number => [...segmenter.segment(stripVTControlCharacters(text))].length;

// Rows in columns, page after page. Knows no command.

const GAP = "  ";
const NOTHING = "-";

/** Makes lines of rows. A page is as wide as it needs and no narrower than those before: it is not known what will follow. */
export function createTable(columns: readonly string[]): (rows: readonly (readonly string[])[]) => string {
  const widths = columns.map(() => 0);
  let begun = false;
  return (rows) => {
    const cells = (begun ? rows : [columns, ...rows]).map((row) =>
      columns.map((_, at) => (row[at] === undefined || row[at] === "" ? NOTHING : row[at])),
    );
    begun = true;
    for (const row of cells) {
      for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
    }
    return cells
      .map(
        (row) =>
          `${row
            .map((cell, at) => cell.padEnd(widths[at] ?? 0))
            .join(GAP)
            .trimEnd()}\n`,
      )
      .join("");
  };
}

// Pages of lists by key, and filters as SQL.

import { type Expression, type Kysely, type RawBuilder, sql } from "kysely";
import type { ComparisonOperator, Condition, PageQuery } from "../../core/registry/ports.ts";
import type { Schema } from "../schema.ts";

/** The most rows that a page with a filter reads, so that a page on which few rows match is not slow. */
const MAX_ROWS_READ = 2_000;

/** A list in SQL. `name` identifies a row and orders the list. */
export interface List {
  /** The key before the first row. */
  readonly first: string | number;
  readonly name: RawBuilder<string | number>;
  readonly order: "asc" | "desc";
  readonly table: RawBuilder<unknown>;
  /** A join with the rows after `after`, up to `last` if it is known. */
  readonly joined?: (after: string, last: string | undefined) => RawBuilder<unknown>;
  readonly select: RawBuilder<unknown>;
  readonly columns: Columns;
  /** Fields that an index finds: an equality with one narrows the list before rows are counted. */
  readonly indexed: readonly string[];
  /** Fields that the list is ordered by: a comparison with one narrows it, too. */
  readonly ordered?: readonly string[];
}

/** Finds a page. `next` is undefined at the end of the list. */
export async function findPage<Row>(
  db: Kysely<Schema>,
  { name, order, first, table, joined = () => sql``, select, columns, indexed, ordered = [] }: List,
  { after, size, conditions }: PageQuery,
  nameOf: (row: Row) => string,
): Promise<{ readonly rows: readonly Row[]; readonly next: string | undefined }> {
  const isNarrow = ({ field, operator }: Condition): boolean =>
    (operator === "=" && indexed.includes(field)) || (operator !== "!=" && ordered.includes(field));
  const [beyond, upTo] = order === "asc" ? [sql`>`, sql`<=`] : [sql`<`, sql`>=`];
  const keyOf = (text: string): string | number => (typeof first === "number" ? Number(text) : text);
  const start = [
    sql`${name} ${beyond} ${after === "" ? first : keyOf(after)}`,
    ...conditions.filter(isNarrow).map((condition) => compare(condition, columns)),
  ];
  const rest = conditions.filter((condition) => !isNarrow(condition));
  const sorted = sql`order by ${name} ${sql.raw(order)}`;
  const all = (terms: readonly RawBuilder<unknown>[]) => sql.join(terms, sql` and `);

  // 1. The last row that the page reads; undefined at the end of the list.
  const looked = rest.length > 0 ? MAX_ROWS_READ : size;
  const edges = await sql<{ name: string | number }>`select ${name} as name from ${table} where ${all(start)}
    ${sorted} limit 2 offset ${looked - 1}`.execute(db);
  const end = edges.rows.length < 2 ? undefined : String(edges.rows[0]?.name);

  // 2. The matching rows up to that row.
  const matching = all([
    ...start,
    ...(end === undefined ? [] : [sql`${name} ${upTo} ${keyOf(end)}`]),
    ...rest.map((condition) => compare(condition, columns)),
  ]);
  const found = await sql<Row>`select ${select} from ${table} ${joined(after, end)} where ${matching}
    ${sorted} limit ${size + 1}`.execute(db);
  const rows = found.rows.slice(0, size);
  const last = rows.at(-1);
  return { rows, next: last !== undefined && found.rows.length > size ? nameOf(last) : end };
}

/** The SQL of a field; undefined if the list has no such field. */
export type Columns = (field: string) => Expression<unknown> | undefined;

const OPERATORS: Readonly<Record<ComparisonOperator, RawBuilder<unknown>>> = {
  "=": sql`=`,
  "!=": sql`<>`,
  "<": sql`<`,
  "<=": sql`<=`,
  ">": sql`>`,
  ">=": sql`>=`,
};

/** Compares a field with a value. A missing time (null) is neither before nor after another. */
function compare({ field, operator, value }: Condition, columns: Columns): RawBuilder<unknown> {
  const column = columns(field);
  if (column === undefined) throw new RangeError("a condition names a field that this list does not have");
  return sql`${column} ${OPERATORS[operator]} ${typeof value === "boolean" ? Number(value) : value}`;
}

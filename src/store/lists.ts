// Pages of lists by key: how much is looked at for one, and how a filter's comparisons are put to the database. Knows no table.

import { type Expression, type RawBuilder, type SqlBool, sql } from "kysely";
import type { Condition, Operator } from "../core/registry/filter.ts";

/** For one page so many rows are looked at and no more, however few match: the last page takes as long as the first. */
const LOOKED_AT = 2_000;

/** A part of a list, in its order. */
export interface Stretch<Row> {
  /** The names of the rows after `skipped` rows, two of them at most. Looks at no filter. */
  names(skipped: number): Promise<readonly string[]>;
  /** At most `most` rows that match, none after that named `last`; undefined: to the end. */
  rows(last: string | undefined, most: number): Promise<readonly Row[]>;
  nameOf(row: Row): string;
}

/** What is found of one page, and the name of the row it ends at; undefined: the list ends there too. */
export interface Found<Row> {
  readonly rows: readonly Row[];
  readonly next: string | undefined;
}

/** Finds a page of `size` rows. `filtered`: not every row of the stretch matches. */
export async function findPage<Row>(
  { names, rows, nameOf }: Stretch<Row>,
  size: number,
  filtered: boolean,
): Promise<Found<Row>> {
  const [edge, beyond] = await names((filtered ? LOOKED_AT : size) - 1);
  const end = beyond === undefined ? undefined : edge;
  const found = await rows(end, size + 1);
  const page = found.slice(0, size);
  const last = page.at(-1);
  return { rows: page, next: last !== undefined && found.length > size ? nameOf(last) : end };
}

/** What the fields of a list are in SQL; undefined: it has no such field. */
export type Columns = (field: string) => Expression<unknown> | undefined;

const OPERATORS: Readonly<Record<Operator, RawBuilder<unknown>>> = {
  "=": sql`=`,
  "!=": sql`<>`,
  "<": sql`<`,
  "<=": sql`<=`,
  ">": sql`>`,
  ">=": sql`>=`,
};

/** Whether all comparisons hold. What was never, is neither before nor after any time. */
export function holds(conditions: readonly Condition[], columns: Columns): Expression<SqlBool> {
  const comparisons = conditions.map(({ field, operator, value }) => {
    const column = columns(field);
    if (column === undefined) throw new RangeError("a condition names a field that this list has not");
    return sql<SqlBool>`${column} ${OPERATORS[operator]} ${typeof value === "boolean" ? Number(value) : value}`;
  });
  return comparisons.length === 0 ? sql<SqlBool>`1 = 1` : sql<SqlBool>`(${sql.join(comparisons, sql` and `)})`;
}

/** Conditions, of which the first that says what a field equals is apart: an index leads to it. */
export function apart(
  conditions: readonly Condition[],
  field: string,
): { readonly value: string | undefined; readonly rest: readonly Condition[] } {
  const found = conditions.find((condition) => condition.field === field && condition.operator === "=");
  return {
    value: typeof found?.value === "string" ? found.value : undefined,
    rest: conditions.filter((condition) => condition !== found),
  };
}

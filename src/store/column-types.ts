// What the two databases call the same in their schemas. Knows no table.

import { type ColumnDataType, type Expression, sql } from "kysely";
import type { Dialect } from "./database.ts";

export interface ColumnTypes {
  readonly bytes: ColumnDataType;
  /** Sorts by its bytes everywhere: PostgreSQL would sort it as a language does, and slower. */
  readonly name: ColumnDataType | Expression<unknown>;
}

export const COLUMN_TYPES: Readonly<Record<Dialect, ColumnTypes>> = {
  sqlite: { bytes: "blob", name: "text" },
  postgres: { bytes: "bytea", name: sql`text collate "C"` },
};

// The decoy: a customer and a device with empty names, read by a login of an unknown device.

import { type Expression, type SqlBool, sql } from "kysely";

/** The decoy's name in each table. No real name is empty, and lists begin after it. */
export const DECOY = "";

/** Whether a row is not the decoy, by the column that names it, as in `device.device_key`. */
export function isReal(column: string): Expression<SqlBool> {
  return sql<SqlBool>`${sql.ref(column)} <> ${sql.lit(DECOY)}`;
}

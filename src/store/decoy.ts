// The decoy: a customer, a device and a key whose names are empty, for a login of an unknown device to look at. Nobody is given
// it, and nobody changes it. Knows no query.

import { type Expression, type SqlBool, sql } from "kysely";

/** The decoy's name in each table. No real name is empty, and names begin after it. */
export const DECOY = "";

/** Whether a row is anything but the decoy, by the column that names it, as in `device.device_key`. */
export function isReal(column: string): Expression<SqlBool> {
  return sql<SqlBool>`${sql.ref(column)} <> ${sql.lit(DECOY)}`;
}

// DATABASE_URL: where PostgreSQL is. Knows no driver, and repeats nothing of a URL: it may hold a password.

import { accessSync, constants } from "node:fs";
import { closest, distance } from "fastest-levenshtein";

const SHAPE = "Write postgres://user:password@host:port/database, or leave it out for SQLite";
const CODED = "is no URL. In a password write @ as %40, / as %2F, ? as %3F, # as %23 and % as %25";

/** As pg reads them: `prefer`, `require` and `verify-ca` are as strict as `verify-full` there. */
const TLS_MODES = ["disable", "prefer", "require", "verify-ca", "verify-full", "no-verify"];
const TLS_FILES = ["sslrootcert", "sslcert", "sslkey"];
/** What pg does something about: of others it takes no notice, and one of them may have been meant for TLS. */
const PARAMETERS = ["sslmode", ...TLS_FILES, "sslnegotiation", "host", "port", "application_name", "options"];

/** A URL of postgres or postgresql, as it is. @throws Error whose message ends a sentence that begins with the setting */
export function parseDatabaseUrl(text: string): string {
  if (!/^postgres(ql)?:\/\//.test(text)) throw new Error(`is no URL of PostgreSQL. ${SHAPE}`);
  // A host may be missing, where the parameter names a socket: as a URL that would be none.
  const whole = text.replace(/^(postgres(?:ql)?:\/\/)([^/@]*@)?\//, "$1$2localhost/");
  if (!URL.canParse(whole)) throw new Error(CODED);
  const { hash, username, password, pathname, hostname, searchParams } = new URL(whole);
  if (hash !== "" || ![username, password, pathname].every(isCoded)) throw new Error(CODED);
  // What follows a slash of a password: pg would take it for the database, and tell it.
  if (/[/@]/.test(pathname.slice(1))) throw new Error(CODED);
  if (pathname.length < 2) throw new Error(`names no database. ${SHAPE}`);
  if (hostname.includes(",")) throw new Error("names several hosts. Name one, or an address that follows the primary");

  for (const name of searchParams.keys()) if (!PARAMETERS.includes(name)) throw noParameter(name);
  const mode = searchParams.get("sslmode");
  if (mode !== null && !TLS_MODES.includes(mode)) {
    throw new Error(`has a sslmode that is none. Choose one of ${TLS_MODES.join(", ")}`);
  }
  for (const name of TLS_FILES) {
    const file = searchParams.get(name);
    if (file !== null && !isReadable(file)) throw new Error(`names a file in ${name} that cannot be read`);
  }
  return text;
}

/** Says nothing of the name, which may be part of a password: at most what it nearly is. */
function noParameter(name: string): Error {
  const near = closest(name.toLowerCase(), PARAMETERS);
  const slip = distance(near, name.toLowerCase()) <= near.length / 3;
  const there = `There are ${PARAMETERS.join(", ")}`;
  return new Error(`has a parameter that is none. ${slip ? `Did you mean ${near}?` : there}`);
}

function isCoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

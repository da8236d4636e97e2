// Checks DATABASE_URL. Errors repeat nothing of the URL, which may hold a password.

import { existsSync } from "node:fs";

const SHAPE = "Write postgres://user:password@host:port/database, or leave it out for SQLite";
const CODED = "is not a URL. In a password write @ as %40, / as %2F, ? as %3F, # as %23 and % as %25";

/** Modes of sslmode in pg, which treats `prefer`, `require` and `verify-ca` like `verify-full`. */
const TLS_MODES = ["disable", "prefer", "require", "verify-ca", "verify-full", "no-verify"];
const TLS_FILES = ["sslrootcert", "sslcert", "sslkey"];
/** Parameters that pg uses. Others are an error: pg would ignore them, even a misspelt one for TLS. */
const PARAMETERS = ["sslmode", ...TLS_FILES, "sslnegotiation", "host", "port", "application_name", "options"];

/** Checks a postgres URL, and returns it unchanged. @throws Error whose message continues the setting's name */
export function readDatabaseUrl(text: string): string {
  if (!/^postgres(ql)?:\/\//.test(text)) throw new Error(`is not a PostgreSQL URL. ${SHAPE}`);
  // A URL parser would make the first @ a part of the password.
  if (/^[^/]*\/\/[^/?#]*@[^/?#]*@/.test(text)) throw new Error(CODED);
  // URL needs a host, which may be missing when a parameter names a socket.
  const whole = text.replace(/^(postgres(?:ql)?:\/\/)([^/@]*@)?\//, "$1$2localhost/");
  if (!URL.canParse(whole)) throw new Error(CODED);
  const { hash, username, password, pathname, searchParams } = new URL(whole);
  if (hash !== "" || ![username, password, pathname].every(isCoded)) throw new Error(CODED);
  // Probably the end of a password with a slash: pg would use it as the database's name, and print it.
  if (/[/@]/.test(pathname.slice(1))) throw new Error(CODED);
  if (pathname.length < 2) throw new Error(`names no database. ${SHAPE}`);

  // An unknown name may be part of a password, and is not repeated.
  for (const name of searchParams.keys()) {
    if (!PARAMETERS.includes(name))
      throw new Error(`has an unknown parameter. Known parameters are ${PARAMETERS.join(", ")}`);
  }
  const mode = searchParams.get("sslmode");
  if (mode !== null && !TLS_MODES.includes(mode)) {
    throw new Error(`has an unknown sslmode. Choose one of ${TLS_MODES.join(", ")}`);
  }
  for (const name of TLS_FILES) {
    const file = searchParams.get(name);
    if (file !== null && !existsSync(file)) throw new Error(`names a file in ${name} that cannot be read`);
  }
  return text;
}

function isCoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

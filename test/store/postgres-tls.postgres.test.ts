// TLS to PostgreSQL, as the URL's sslmode requires. PostgreSQL's package brings openssl.

import { join } from "node:path";
import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { openPostgres } from "../../src/store/postgres.ts";
import { makeCertificates } from "../http/certificates.ts";
import { startPostgres } from "../postgres/server.ts";

test("checks the server's certificate against sslrootcert", { timeout: 60_000 }, async () => {
  const folder = makeCertificates({ server: "ecdsa", other: "ecdsa" });
  const file = (name: string): string => join(folder, name);
  const server = await startPostgres({ tls: { cert: file("server.crt"), key: file("server.key") } });
  onTestFinished(() => server.stop());
  const urlOf = (authority: string): string =>
    `${server.url}?sslmode=verify-full&sslrootcert=${encodeURIComponent(file(authority))}`;

  const database = await openPostgres({ url: urlOf("server.crt") });
  onTestFinished(() => database.close());
  const { rows } = await sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(
    database.db,
  );
  expect(rows).toEqual([{ ssl: true }]);

  await expect(openPostgres({ url: urlOf("other.crt") })).rejects.toThrow(
    /^the database cannot be used: the certificate of 127\.0\.0\.1:\d+ is not trusted \([A-Z_]+\)\. Name its authority in the URL: sslrootcert=FILE$/,
  );
});

// Backups of PostgreSQL by its own programs, pg_dump and pg_restore.

import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { text } from "node:stream/consumers";
import { BackupError, createOwnFile } from "../sqlite-backup.ts";

export interface PostgresAccess {
  readonly url: string;
  /** The environment of the programs: PATH, and libpq's variables. */
  readonly environment: NodeJS.ProcessEnv;
}

const LONGEST_MESSAGE = 500;

/** Dumps the tables of a schema into a new file that only its owner can read. @throws BackupError */
export async function dumpPostgres(
  { url, environment }: PostgresAccess,
  schema: string,
  output: string,
): Promise<void> {
  createOwnFile(output);
  try {
    const tables = `--table="${schema.replaceAll('"', '""')}".*`;
    await runProgram("pg_dump", { url, environment }, [
      "--format=custom",
      "--no-owner",
      "--no-privileges",
      tables,
      `--file=${output}`,
    ]);
  } catch (error) {
    rmSync(output, { force: true });
    throw error;
  }
}

/** Restores a dump into a schema without a registry, in one transaction. It creates no database and no schema. @throws BackupError */
export async function restorePostgres(access: PostgresAccess, input: string): Promise<void> {
  if (!existsSync(input)) throw new BackupError(`there is no file ${input}`);
  await runProgram("pg_restore", access, [
    "--no-owner",
    "--no-privileges",
    "--exit-on-error",
    "--single-transaction",
    input,
  ]);
}

async function runProgram(
  program: string,
  { url, environment }: PostgresAccess,
  args: readonly string[],
): Promise<void> {
  const { dbname, password } = splitUrl(url);
  // Every process can read the arguments, and not the environment.
  const env = { ...environment, ...(password !== "" && { PGPASSWORD: password }) };
  const child = spawn(program, [`--dbname=${dbname}`, ...args], { env, stdio: ["ignore", "ignore", "pipe"] });
  const failed = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
  try {
    const [status, message] = await Promise.all([failed, text(child.stderr)]);
    if (status !== 0) throw new BackupError(`${program} failed: ${message.trim().slice(0, LONGEST_MESSAGE)}`);
  } catch (error) {
    if (error instanceof BackupError) throw error;
    throw new BackupError(
      `${program} cannot be run. Install PostgreSQL's client programs, of the server's version or newer`,
    );
  }
}

/** Splits a URL into one for libpq and the password. */
function splitUrl(text: string): { readonly dbname: string; readonly password: string } {
  const [, password = ""] = /^postgres(?:ql)?:\/\/[^/@:]*:([^/@]*)@/.exec(text) ?? [];
  // The gateway verifies in these modes; libpq does not in all of them.
  const verified = text.replace(/sslmode=(?:prefer|require|verify-ca)\b/, "sslmode=verify-full");
  const dbname = verified.replace("sslmode=no-verify", "sslmode=require");
  return {
    dbname: password === "" ? dbname : dbname.replace(`:${password}@`, "@"),
    password: decodeURIComponent(password),
  };
}

// Files that hold one secret and nothing else: read strictly, written for their owner alone. Knows no command.

import { isUtf8 } from "node:buffer";
import { open, rm } from "node:fs/promises";
import { codeOf } from "./error-code.ts";
import { inputName, readInput } from "./input.ts";
import { usageFailure } from "./output.ts";

const MARK = "\ufeff";
/** As derive-key and issue print a secret, with a name before it. */
const NAMED = /^\S+\s+[0-9a-f]{64}\s*$/i;

/**
 * Reads a secret from a file or, for `-`, standard input; one line break at its end is not part of it. What would become another
 * secret on its way is refused. @throws CommandFailure
 */
export async function readSecret(file: string): Promise<string> {
  const name = inputName(file);
  const bytes = await readInput(file);
  if (!isUtf8(bytes)) throw usageFailure(`${name} is not UTF-8. A secret is text, and is signed with as UTF-8`);
  const text = bytes.toString("utf8");
  if (text.startsWith(MARK)) {
    throw usageFailure(`${name} begins with a byte order mark, which would be part of the secret. Save it without one`);
  }
  const secret = text.replace(/\r?\n$/, "");
  if (secret === "") throw usageFailure(`${name} is empty: it has to hold the secret`);
  if (/[\r\n]/.test(secret)) throw usageFailure(`${name} has several lines: it has to hold the secret alone`);
  if (NAMED.test(secret)) {
    throw usageFailure(
      `${name} has a name before the secret, as a command prints it: it has to hold the 64 digits alone. Take out what is before them`,
    );
  }
  return secret;
}

/**
 * Has a secret made and puts it into a new file that only its owner can read. The file is made first: a secret that is shown once
 * is not asked for where it cannot be kept. @throws CommandFailure when the file is there or cannot be written
 */
export async function writeSecret<Made extends { readonly customerKey: string }>(
  file: string,
  make: () => Promise<Made>,
): Promise<Made> {
  const handle = await open(file, "wx", 0o600).catch((error: unknown) => {
    throw unwritable(file, error);
  });
  let made: Made | undefined;
  try {
    made = await make();
    await handle.writeFile(`${made.customerKey}\n`);
    await handle.sync();
    return made;
  } catch (error) {
    await rm(file, { force: true });
    if (made === undefined) throw error;
    throw usageFailure(`${file} cannot be written (${codeOf(error)}): the secret was made, and is not kept`);
  } finally {
    await handle.close();
  }
}

function unwritable(file: string, error: unknown): Error {
  const code = codeOf(error);
  return usageFailure(
    code === "EEXIST"
      ? `${file} is there already, and may hold a secret. Name a new file`
      : `${file} cannot be written (${code})`,
  );
}

// `countersign signing-keys import`: takes over a private key, to sign now or next.

import { isUtf8 } from "node:buffer";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { type SigningKey, SigningKeySchema, SigningKeyState } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { callAdmin } from "./gateway/admin-client.ts";
import { inputName, readInput } from "./input.ts";
import { listKeys } from "./listed-keys.ts";
import { usageFailure } from "./output.ts";
import { writeResource } from "./resource.ts";
import { FETCH_MINUTES, fetchedFrom, signedUnfetched, timeOf, UNFETCHED, warn } from "./unfetched-key.ts";

interface ImportOptions {
  readonly kid?: string;
  readonly next?: boolean;
}

/** Adds `import`. */
export function addImportCommand(keys: Command): void {
  keys
    .command("import <file>")
    .description("take over the private key of another server, PEM or JWK, to sign from now on; - for standard input")
    .option("--kid <kid>", "its name in tokens (default: its thumbprint, RFC 7638)")
    .option("--next", "publish it as the next key, rather than having it sign at once")
    .option("--json", "print JSON")
    .action(async (file: string, { kid = "", next: asNext = false }: ImportOptions, command: Command) => {
      const privateKey = await readKeyFile(file);
      const { before, key, active } = await callAdmin(async (admin) => ({
        before: (await listKeys(admin)).active,
        key: await admin.importSigningKey({ privateKey, kid, asNext }),
        active: (await listKeys(admin)).active,
      }));
      const signedAlready = key.kid === before?.kid;
      if (!asNext && !signedAlready && signedUnfetched(key))
        warn(`${key.kid} (${key.alg}) signs at once. ${UNFETCHED}`);
      const becomes =
        key.state === SigningKeyState.NEXT
          ? `is published. ${comesToSign(key, active)}`
          : signedAlready
            ? "signs already: nothing was changed"
            : "signs from now on";
      writeResource(command, SigningKeySchema, key, [`key ${key.kid} (${key.alg}) ${becomes}`]);
    });
}

/** When a next key will sign, and how to have it sign before that. */
function comesToSign(next: SigningKey, active: SigningKey | undefined): string {
  const byHand = `signing-keys rotate, in ${FETCH_MINUTES} minutes`;
  if (active?.rotateTime === undefined) return `It signs once it is told to: ${byHand}`;
  const planned = `It signs at the next rotation, ${timeOf(active.rotateTime)}`;
  return timestampMs(active.rotateTime) <= fetchedFrom(next) ? planned : `${planned}; sooner: ${byHand}`;
}

async function readKeyFile(file: string): Promise<string> {
  const bytes = await readInput(file);
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw usageFailure(
    `${inputName(file)} is not text. If it is DER, turn it into PEM with: openssl pkey -inform DER -in FILE`,
  );
}

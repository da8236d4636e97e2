// `countersign signing-keys`: the keys that tokens are signed with.

import { isUtf8 } from "node:buffer";
import type { Command } from "commander";
import {
  RevokeSigningKeyResponseSchema,
  type SigningKey,
  SigningKeySchema,
  SigningKeyState,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { inputName, readInput } from "./input.ts";
import { writeList } from "./listing.ts";
import { usageFailure } from "./output.ts";
import { writeResource } from "./resource.ts";
import { addRotateCommand, UNFETCHED, warn } from "./signing-key-rotation.ts";

const COLUMNS = ["kid", "alg", "state", "create_time", "activate_time", "retire_time", "rotate_time"];

/** Adds `signing-keys`, from listing to importing. */
export function addSigningKeysCommand(program: Command): void {
  const keys = adminCommand(program, "signing-keys").description("manage the keys that tokens are signed with");
  keys
    .command("list")
    .description("list them, the newest first")
    .option("--json", "print a line of JSON for each")
    .action((_options: object, command: Command) =>
      callAdmin((admin) =>
        writeList(command, {
          desc: SigningKeySchema,
          columns: COLUMNS,
          async read(page) {
            const { signingKeys: items, nextPageToken } = await admin.listSigningKeys(page);
            return { items, nextPageToken };
          },
        }),
      ),
    );
  addRotateCommand(keys);
  addRevoke(keys);
  addImport(keys);
}

function addRevoke(keys: Command): void {
  keys
    .command("revoke <kid>")
    .description("give up a key that was stolen: no token of its is good from now on, and the next one signs")
    .option("--json", "print JSON")
    // A kid may begin with a hyphen, and this is no time to learn of `--`.
    .allowUnknownOption()
    .action(async (kid: string, _options: object, command: Command) => {
      const answer = await callAdmin((admin) => admin.revokeSigningKey({ kid }));
      writeResource(command, RevokeSigningKeyResponseSchema, answer, [
        `key ${kid} is revoked: services that check tokens by themselves trust it until they fetch the keys anew`,
        `key ${answer.active?.kid} signs`,
      ]);
    });
}

interface ImportOptions {
  readonly kid?: string;
  readonly next?: boolean;
}

function addImport(keys: Command): void {
  keys
    .command("import <file>")
    .description("take over the private key of another server, PEM or JWK, to sign from now on; - for standard input")
    .option("--kid <kid>", "its name in tokens (default: its thumbprint, RFC 7638)")
    .option("--next", "publish it as the next key, rather than having it sign at once")
    .option("--json", "print JSON")
    .action(async (file: string, { kid = "", next: asNext = false }: ImportOptions, command: Command) => {
      const privateKey = await readKeyFile(file);
      const key = await callAdmin((admin) => admin.importSigningKey({ privateKey, kid, asNext }));
      if (!asNext) warn(`${key.kid} (${key.alg}) signs at once. ${UNFETCHED}`);
      writeResource(command, SigningKeySchema, key, [`key ${key.kid} (${key.alg}) ${becomes(key)}`]);
    });
}

function becomes({ state }: SigningKey): string {
  return state === SigningKeyState.NEXT ? "is published, and signs next" : "signs from now on";
}

async function readKeyFile(file: string): Promise<string> {
  const bytes = await readInput(file);
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw usageFailure(
    `${inputName(file)} is not text. If it is DER, turn it into PEM with: openssl pkey -inform DER -in FILE`,
  );
}

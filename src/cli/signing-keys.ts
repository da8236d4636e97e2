// `countersign signing-keys`: the keys that tokens are signed with.

import type { Command } from "commander";
import { RevokeSigningKeyResponseSchema, SigningKeySchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { listKeys } from "./listed-keys.ts";
import { writeList } from "./listing.ts";
import { writeResource } from "./resource.ts";
import { addImportCommand } from "./signing-key-import.ts";
import { addRotateCommand } from "./signing-key-rotation.ts";
import { signedUnfetched, warnUnfetched } from "./unfetched-key.ts";

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
  addImportCommand(keys);
}

function addRevoke(keys: Command): void {
  keys
    .command("revoke <kid>")
    .description("give up a key that was stolen: no token of its is good from now on, and the next one signs")
    .option("--json", "print JSON")
    // A kid may begin with a hyphen, and this is no time to learn of `--`.
    .allowUnknownOption()
    .action(async (kid: string, _options: object, command: Command) => {
      const { before, answer } = await callAdmin(async (admin) => ({
        before: (await listKeys(admin)).active,
        answer: await admin.revokeSigningKey({ kid }),
      }));
      const { active } = answer;
      // One that signed already does so whatever becomes of another.
      if (active !== undefined && active.kid !== before?.kid && signedUnfetched(active)) warnUnfetched(active);
      writeResource(command, RevokeSigningKeyResponseSchema, answer, [
        `key ${kid} is revoked: services that check tokens by themselves trust it until they fetch the keys anew`,
        `key ${active?.kid} signs`,
      ]);
    });
}

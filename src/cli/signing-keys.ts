// `countersign signing-keys`: the keys that tokens are signed with.

import type { Command } from "commander";
import { SigningKeySchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { writeList } from "./listing.ts";

const COLUMNS = ["kid", "alg", "state", "create_time"];

/** Adds `signing-keys`. */
export function addSigningKeysCommand(program: Command): void {
  adminCommand(program, "signing-keys")
    .description("look at the keys that tokens are signed with")
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
}

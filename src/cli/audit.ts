// `countersign audit`: who changed what, and when.

import type { Command } from "commander";
import { AuditEventSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { addListOptions, type ListOptions, writeList } from "./listing.ts";

const COLUMNS = ["time", "token_id", "operator", "address", "action", "resource", "details"];

/** Adds `audit`, the log of changes. */
export function addAuditCommand(program: Command): void {
  const audit = adminCommand(program, "audit").description("look at what was changed");
  addListOptions(audit.command("list"), 'action = "UpdateDevice"')
    .description("list changes, the newest first")
    .action((options: ListOptions, command: Command) =>
      callAdmin((admin) =>
        writeList(
          command,
          {
            desc: AuditEventSchema,
            columns: COLUMNS,
            async read(page) {
              const answer = await admin.listAuditEvents({ ...page, filter: options.filter ?? "" });
              return { items: answer.auditEvents, nextPageToken: answer.nextPageToken };
            },
          },
          options.limit,
        ),
      ),
    );
}

// `countersign audit`: the log of operators' changes.

import type { Command } from "commander";
import { AuditEventSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminCommand } from "./gateway/admin-client.ts";
import { addListCommand } from "./terminal/listing.ts";

/** Adds `audit`. */
export function addAuditCommand(program: Command): void {
  addListCommand(adminCommand(program, "audit").description("read the log of changes"), {
    description: "list changes, the newest first",
    desc: AuditEventSchema,
    columns: ["time", "token_id", "operator", "address", "action", "resource", "details"],
    filterExample: 'action = "UpdateDevice"',
    async read(admin, page) {
      const { auditEvents: items, nextPageToken } = await admin.listAuditEvents(page);
      return { items, nextPageToken };
    },
  });
}

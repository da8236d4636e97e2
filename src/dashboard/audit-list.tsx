// A table of audit events.

import type { JsonObject } from "@bufbuild/protobuf";
import type { VNode } from "preact";
import type { AuditEvent } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { admin } from "./gateway.ts";
import { usePages } from "./loading.ts";
import { Time } from "./parts.tsx";
import { addressOf } from "./router.ts";
import { ListTable, type Row } from "./table.tsx";

export function AuditList({ filter, pageSize }: { readonly filter: string; readonly pageSize: number }): VNode {
  const pages = usePages((pageToken) => admin.listAuditEvents({ filter, pageSize, pageToken }), filter);
  return (
    <ListTable
      label="Audit events"
      empty="No recorded change matches."
      head={["Time", "Who", "Did", "To", "Values"]}
      list={pages}
      rows={pages.value?.auditEvents.map(rowOf)}
    />
  );
}

function rowOf({ eventId, time, operator, tokenId, address, action, resource, details }: AuditEvent): Row {
  const cells = [
    <Time time={time} />,
    <>
      {operator === "" ? <span class="quiet">{tokenId}</span> : operator}
      {address !== "" && <small class="quiet block">{address}</small>}
    </>,
    action,
    <a href={addressOf(["audit"], { resource })}>
      <code>{resource}</code>
    </a>,
    <span class="values">{valuesText(details)}</span>,
  ];
  return { key: eventId, cells };
}

function valuesText(details: JsonObject | undefined): string {
  return Object.entries(details ?? {})
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(" ");
}

// A table of the audit log.

import type { JsonObject } from "@bufbuild/protobuf";
import { useEffect, useState } from "preact/hooks";
import type { AuditEvent } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { admin } from "./gateway.ts";
import { useLoaded } from "./loading.ts";
import { FailureNotice, Pager, type Row, Table, Time } from "./parts.tsx";
import { addressOf } from "./router.ts";

interface AuditTableProps {
  readonly filter: string;
  readonly pageSize: number;
}

export function AuditTable({ filter, pageSize }: AuditTableProps) {
  const [tokens, setTokens] = useState<readonly string[]>([""]);
  useEffect(() => setTokens([""]), [filter]);
  const pageToken = tokens.at(-1) ?? "";
  const page = useLoaded(() => admin.listAuditEvents({ filter, pageSize, pageToken }), [filter, pageSize, pageToken]);
  const hasPages = tokens.length > 1 || (page.value?.nextPageToken ?? "") !== "";
  return (
    <>
      <FailureNotice failure={page.failure} />
      <Table
        label="Audit events"
        empty="No event matches."
        head={["Time", "Who", "Did", "To", "Values"]}
        rows={page.value?.auditEvents.map(rowOf)}
      />
      {hasPages && <Pager tokens={tokens} nextPageToken={page.value?.nextPageToken ?? ""} onTokens={setTokens} />}
    </>
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
    <span class="values">{valuesOf(details)}</span>,
  ];
  return { key: eventId, cells };
}

function valuesOf(details: JsonObject | undefined): string {
  return Object.entries(details ?? {})
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(" ");
}

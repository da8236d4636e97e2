// The operators: admin tokens issued by name, and revoked.

import type { VNode } from "preact";
import { OperatorRole, OperatorRoleSchema, type OperatorToken } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { SelectField, TextField } from "../fields.tsx";
import { ActionButton, type FormValues } from "../form.tsx";
import { admin } from "../gateway.ts";
import { useLoaded, useSession } from "../loading.ts";
import { Badge, Page, Secret, Time } from "../parts.tsx";
import { addressOf } from "../router.ts";
import { ListTable, type Row } from "../table.tsx";
import { enumText, inDays, timeMs } from "../words.ts";

const ROLES = { read: "read: changes nothing, sees no secret", admin: "admin: everything" };

export function OperatorsPage(): VNode {
  const { operator } = useSession();
  const tokens = useLoaded(() => admin.listOperatorTokens({}), []);
  return (
    <Page title="Operators" actions={<IssueButton />}>
      <ListTable
        label="Admin tokens"
        head={["Name", "Token", "Role", "State", "Issued", "Expires", "Change"]}
        list={tokens}
        rows={tokens.value?.operatorTokens.map((token) => rowOf(token, operator.tokenId))}
      />
    </Page>
  );
}

function IssueButton() {
  async function issue({ name = "", role, days = "" }: FormValues) {
    const { adminToken } = await admin.issueOperatorToken({
      name,
      role: role === "admin" ? OperatorRole.ADMIN : OperatorRole.READ,
      expireTime: inDays(days),
    });
    return (
      <Secret label={`Admin token of ${name}`} secret={adminToken} file={`${name.replace(/\W+/g, "-")}.token.txt`} />
    );
  }
  return (
    <ActionButton text="Issue a token" title="Issue an admin token" submit="Issue" isPrimary act={issue}>
      <TextField name="name" label="Name" hint="As the audit log shows it" required maxLength={100} />
      <SelectField name="role" label="Role" defaultValue="read" options={ROLES} />
      <TextField name="days" label="Expires in days" type="number" min={1} max={3650} defaultValue="90" required />
    </ActionButton>
  );
}

function rowOf(token: OperatorToken, ownId: string): Row {
  const { tokenId, name, role, createTime, expireTime, revokeTime } = token;
  const cells = [
    <>
      <a href={addressOf(["audit"], { operator: name })}>{name}</a>
      {tokenId === ownId && <small class="quiet block">you</small>}
    </>,
    <code>{tokenId}</code>,
    enumText(OperatorRoleSchema, role),
    <Badge state={stateOf(token)} />,
    <Time time={createTime} none="in the settings" />,
    <Time time={expireTime} />,
    createTime && revokeTime === undefined && (
      <ActionButton
        text="Revoke"
        title={`Revoke the token of ${name}?`}
        danger
        act={() => admin.revokeOperatorToken({ tokenId })}
      >
        Its next call is refused, and its sessions end.
      </ActionButton>
    ),
  ];
  return { key: tokenId, cells };
}

function stateOf({ expireTime, revokeTime }: OperatorToken): string {
  if (revokeTime !== undefined) return "revoked";
  return (timeMs(expireTime) ?? Number.POSITIVE_INFINITY) <= Date.now() ? "expired" : "valid";
}

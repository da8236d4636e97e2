// The operators: admin tokens issued by name, and revoked.

import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { useState } from "preact/hooks";
import { OperatorRole, type OperatorToken } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { admin, readAll } from "../gateway.ts";
import { useLoaded, useSession } from "../loading.ts";
import {
  ActionButton,
  Badge,
  Dialog,
  FailureNotice,
  FormDialog,
  Page,
  type Row,
  Secret,
  SelectField,
  Table,
  TextField,
  Time,
} from "../parts.tsx";
import { addressOf } from "../router.ts";
import { roleText, timeMs, type Word } from "../words.ts";

interface Issued {
  readonly name: string;
  readonly secret: string;
}

const ROLES = [
  ["read", "read: changes nothing, sees no secret"],
  ["admin", "admin: everything"],
] as const;

export function OperatorsPage() {
  const { isAdmin, operator } = useSession();
  const [isIssuing, setIssuing] = useState(false);
  const [issued, setIssued] = useState<Issued>();
  const list = useLoaded(
    () =>
      readAll(async (pageToken) => {
        const { operatorTokens: items, nextPageToken } = await admin.listOperatorTokens({ pageToken, pageSize: 1_000 });
        return { items, nextPageToken };
      }),
    [],
  );
  return (
    <Page
      title="Operators"
      actions={
        isAdmin && (
          <button type="button" class="primary" onClick={() => setIssuing(true)}>
            Issue a token
          </button>
        )
      }
    >
      <FailureNotice failure={list.failure} />
      <Table
        label="Admin tokens"
        head={["Name", "Token", "Role", "State", "Issued", "Expires", "Change"]}
        rows={list.value?.map((token) => rowOf(token, operator.tokenId, list.reload))}
      />
      {isIssuing && <IssueDialog onIssued={setIssued} onClose={() => setIssuing(false)} />}
      {issued && (
        <Dialog
          title={`Admin token of ${issued.name}`}
          onClose={() => {
            setIssued(undefined);
            list.reload();
          }}
        >
          <Secret label="Admin token" secret={issued.secret} file={`${issued.name.replace(/\W+/g, "-")}.token.txt`} />
        </Dialog>
      )}
    </Page>
  );
}

function rowOf(token: OperatorToken, ownId: string, onChanged: () => void): Row {
  const { tokenId, name, role, createTime, expireTime, revokeTime } = token;
  const revoke = async (): Promise<void> => {
    await admin.revokeOperatorToken({ tokenId });
    onChanged();
  };
  const question = { title: `Revoke the token of ${name}?`, body: "Its next call is refused, and its sessions end." };
  const cells = [
    <>
      <a href={addressOf(["audit"], { operator: name })}>{name}</a>
      {tokenId === ownId && <small class="quiet block">you</small>}
    </>,
    <code>{tokenId}</code>,
    roleText(role),
    <Badge word={stateOf(token)} />,
    <Time time={createTime} none="in the settings" />,
    <Time time={expireTime} />,
    createTime && revokeTime === undefined && <ActionButton text="Revoke" danger question={question} act={revoke} />,
  ];
  return { key: tokenId, cells };
}

function stateOf({ expireTime, revokeTime }: OperatorToken): Word {
  if (revokeTime !== undefined) return { text: "revoked", tone: "bad" };
  const expires = timeMs(expireTime);
  return expires !== undefined && expires <= Date.now()
    ? { text: "expired", tone: "quiet" }
    : { text: "good", tone: "good" };
}

function IssueDialog({
  onClose,
  onIssued,
}: {
  readonly onClose: () => void;
  readonly onIssued: (issued: Issued) => void;
}) {
  const [name, setName] = useState("");
  const [role, setRole] = useState("read");
  const [days, setDays] = useState("90");
  const issue = async (): Promise<void> => {
    const { adminToken } = await admin.issueOperatorToken({
      name,
      role: role === "admin" ? OperatorRole.ADMIN : OperatorRole.READ,
      expireTime: timestampFromMs(Date.now() + Number(days) * 86_400_000),
    });
    onIssued({ name, secret: adminToken });
  };
  return (
    <FormDialog title="Issue an admin token" submit="Issue" act={issue} onClose={onClose}>
      <TextField
        label="Name"
        hint="As the audit log shows it"
        value={name}
        onValue={setName}
        required
        maxLength={100}
      />
      <SelectField label="Role" value={role} options={ROLES} onValue={setRole} />
      <TextField label="Expires in days" type="number" min={1} max={3650} value={days} onValue={setDays} required />
    </FormDialog>
  );
}

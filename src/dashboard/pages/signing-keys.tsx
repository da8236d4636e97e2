// The signing keys: the ring on a time line, rotation, revocation.

import type { VNode } from "preact";
import {
  type SigningKey,
  SigningKeyState,
  SigningKeyStateSchema,
} from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { CheckField } from "../fields.tsx";
import { ActionButton } from "../form.tsx";
import { admin } from "../gateway.ts";
import { useLoaded } from "../loading.ts";
import { Badge, Notice, Page, Time } from "../parts.tsx";
import { ListTable, type Row } from "../table.tsx";
import { enumText, relativeTime, timeMs, toneOf } from "../words.ts";

const POLL_MS = 10_000;

export function SigningKeysPage(): VNode {
  const list = useLoaded(() => admin.listSigningKeys({}), [], POLL_MS);
  const keys = list.value?.signingKeys;
  return (
    <Page title="Signing keys" actions={<RotateButton />}>
      {keys && keys.length > 0 && <TimeLine keys={keys} />}
      <ListTable
        label="Signing keys"
        head={["Key", "Algorithm", "State", "Published", "Signs since", "Ended", "Change"]}
        list={list}
        rows={keys?.map(rowOf)}
      />
    </Page>
  );
}

function RotateButton() {
  return (
    <ActionButton
      text="Rotate"
      title="Rotate the signing key?"
      isPrimary
      act={async ({ now }) => {
        const { active } = await admin.rotateSigningKey({ now: now !== undefined });
        return <Notice tone="good">{active?.kid} signs from now on.</Notice>;
      }}
    >
      <p>The next key signs once services had time to fetch it.</p>
      <CheckField name="now" label="At once: services that have not fetched it refuse its tokens until they do" />
    </ActionButton>
  );
}

function rowOf({ kid, alg, state, createTime, activateTime, retireTime }: SigningKey): Row {
  const cells = [
    <code>{kid}</code>,
    alg,
    <Badge state={enumText(SigningKeyStateSchema, state)} />,
    <Time time={createTime} />,
    <Time time={activateTime} none="not yet" />,
    <Time time={retireTime} none="–" />,
    state !== SigningKeyState.REVOKED && (
      <ActionButton text="Revoke" title="Revoke this signing key?" danger act={() => admin.revokeSigningKey({ kid })}>
        For a stolen key: no token that it signed is valid from now on. If it is the active one, the next signs at once.
      </ActionButton>
    ),
  ];
  return { key: kid, cells };
}

const HOUR_MS = 3_600_000;

/** Each key as a bar from its publication to its end; the part in which it signs is solid. */
function TimeLine({ keys }: { readonly keys: readonly SigningKey[] }) {
  const now = Date.now();
  const from = Math.min(now - HOUR_MS, ...keys.map(({ createTime }) => timeMs(createTime) ?? now));
  const until = now + (now - from) * 0.04;
  const percentAt = (ms: number): number => Math.min(100, Math.max(0, ((ms - from) / (until - from)) * 100));
  return (
    <section class="card stack" aria-label="Time line">
      <ul class="ring">
        {keys.map(({ kid, state, createTime, activateTime, retireTime }) => {
          const tone = toneOf(enumText(SigningKeyStateSchema, state));
          const signs = timeMs(activateTime);
          const end = percentAt(timeMs(retireTime) ?? until);
          const bar = (name: string, start: number, y: number) => (
            <rect class={`${name} ${tone}`} x={start} width={Math.max(0.6, end - start)} y={y} height={14 - 2 * y} />
          );
          const words =
            signs === undefined ? "published, does not sign yet" : `signs since ${new Date(signs).toUTCString()}`;
          return (
            <li key={kid}>
              <span class="kid" title={kid}>
                {kid}
              </span>
              <svg viewBox="0 0 100 14" preserveAspectRatio="none" role="img" aria-label={`${kid}: ${words}`}>
                {bar("span", percentAt(timeMs(createTime) ?? now), 4)}
                {signs !== undefined && bar("signs", percentAt(signs), 1)}
                <line class="now" x1={percentAt(now)} x2={percentAt(now)} y1={0} y2={14} />
              </svg>
            </li>
          );
        })}
      </ul>
      <div class="row between quiet small">
        <span>{relativeTime(from)}</span>
        <span>now</span>
      </div>
    </section>
  );
}

// The signing keys: the ring on a time line, rotation, revocation.

import { useState } from "preact/hooks";
import { type SigningKey, SigningKeyState } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { admin } from "../gateway.ts";
import { useLoaded } from "../loading.ts";
import { ActionButton, Badge, CheckField, FailureNotice, Notice, Page, type Row, Table, Time } from "../parts.tsx";
import { exactTime, relativeTime, signingStateWord, timeMs } from "../words.ts";

const POLL_MS = 10_000;

export function SigningKeysPage() {
  const [isNow, setNow] = useState(false);
  const [outcome, setOutcome] = useState("");
  const list = useLoaded(() => admin.listSigningKeys({ pageSize: 100 }), [], POLL_MS);
  const keys = list.value?.signingKeys;
  return (
    <Page
      title="Signing keys"
      actions={
        <ActionButton
          text="Rotate"
          primary
          question={{
            title: "Rotate the signing key?",
            body: (
              <>
                <p>The next key signs once services had time to fetch it.</p>
                <CheckField
                  label="At once: services that have not fetched it refuse its tokens until they look again"
                  checked={isNow}
                  onValue={setNow}
                />
              </>
            ),
          }}
          act={async () => {
            const { active } = await admin.rotateSigningKey({ now: isNow });
            setOutcome(`${active?.kid ?? ""} signs from now on.`);
            list.reload();
          }}
        />
      }
    >
      <FailureNotice failure={list.failure} />
      {outcome !== "" && <Notice tone="good">{outcome}</Notice>}
      {keys && keys.length > 0 && <TimeLine keys={keys} />}
      <Table
        label="Signing keys"
        head={["Key", "Algorithm", "State", "Published", "Signs since", "Ended", "Change"]}
        rows={keys?.map((key) => rowOf(key, list.reload))}
      />
    </Page>
  );
}

function rowOf({ kid, alg, state, createTime, activateTime, retireTime }: SigningKey, onChanged: () => void): Row {
  const revoke = async (): Promise<void> => {
    await admin.revokeSigningKey({ kid });
    onChanged();
  };
  const body =
    "For a stolen key: no token that it signed is good from now on. If it is the active one, the next signs at once.";
  const question = { title: "Revoke this signing key?", body };
  const cells = [
    <code>{kid}</code>,
    alg,
    <Badge word={signingStateWord(state)} />,
    <Time time={createTime} />,
    <Time time={activateTime} none="not yet" />,
    <Time time={retireTime} none="–" />,
    state !== SigningKeyState.REVOKED && <ActionButton text="Revoke" danger question={question} act={revoke} />,
  ];
  return { key: kid, cells };
}

const HOUR_MS = 3_600_000;

/** Each key as a bar from its publication to its end; the part in which it signs is solid. */
function TimeLine({ keys }: { readonly keys: readonly SigningKey[] }) {
  const now = Date.now();
  const starts = keys.map(({ createTime }) => timeMs(createTime) ?? now);
  const from = Math.min(now - HOUR_MS, ...starts);
  const until = now + (now - from) * 0.04;
  const place = (ms: number): number => Math.min(100, Math.max(0, ((ms - from) / (until - from)) * 100));
  const [width, height] = [100, 14];
  return (
    <section class="card stack" aria-label="Time line">
      <ul class="ring">
        {keys.map((key) => {
          const begin = timeMs(key.createTime) ?? now;
          const signs = timeMs(key.activateTime);
          const end = timeMs(key.retireTime) ?? until;
          const words = signs === undefined ? "published, does not sign yet" : `signs since ${exactTime(signs)}`;
          return (
            <li key={key.kid}>
              <span class="kid" title={key.kid}>
                {key.kid}
              </span>
              <svg
                viewBox={`0 0 ${width} ${height}`}
                preserveAspectRatio="none"
                role="img"
                aria-label={`${key.kid}: ${words}`}
              >
                <rect
                  class={`span ${signingStateWord(key.state).tone}`}
                  x={place(begin)}
                  width={Math.max(0.6, place(end) - place(begin))}
                  y={4}
                  height={6}
                />
                {signs !== undefined && (
                  <rect
                    class={`signs ${signingStateWord(key.state).tone}`}
                    x={place(signs)}
                    width={Math.max(0.6, place(end) - place(signs))}
                    y={1}
                    height={12}
                  />
                )}
                <line class="now" x1={place(now)} x2={place(now)} y1={0} y2={height} />
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

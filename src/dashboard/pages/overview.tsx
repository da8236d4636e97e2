// The overview page: fleet, last hour's logins and errors, and gateway parts.

import type { VNode } from "preact";
import { type Overview, type Overview_Fleet, PartStateSchema } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { LoginChart } from "../login-chart.tsx";
import { Badge, Page, Time } from "../parts.tsx";
import { addressOf } from "../router.ts";
import { enumText, numberText, reasonText, timeMs } from "../words.ts";

export function OverviewPage({ overview }: { readonly overview: Overview | undefined }): VNode {
  return (
    <Page title="Overview">
      <Fleet fleet={overview?.fleet} />
      {overview === undefined ? (
        <p class="empty">Loading…</p>
      ) : (
        <div class="columns">
          <Logins overview={overview} />
          <Errors overview={overview} />
          <Parts overview={overview} />
        </div>
      )}
    </Page>
  );
}

function Fleet({ fleet }: { readonly fleet: Overview_Fleet | undefined }) {
  const tiles = [
    ["Devices", fleet?.devices, {}],
    ["Seen in the last hour", fleet?.seenLastHour, { filter: "last_login_time > -1h" }],
    ["Seen in the last day", fleet?.seenLastDay, { filter: "last_login_time > -1d" }],
    ["Failing", fleet?.failing, { failing: "true" }],
    ["Disabled", fleet?.disabled, { status: "disabled" }],
  ] as const;
  return (
    <section aria-label="Fleet">
      <ul class="tiles">
        {tiles.map(([name, count, query]) => (
          <li key={name}>
            <a class="card tile" href={addressOf(["devices"], query)}>
              <span class="figure">{count === undefined ? "–" : numberText(count)}</span>
              <span class="quiet">{name}</span>
            </a>
          </li>
        ))}
      </ul>
      <p class="quiet small">
        Counted <Time time={fleet?.countTime} none="not yet" />.
      </p>
    </section>
  );
}

/** Intervals of half a minute. */
const SPAN = 6;

/** Logins of several outcomes a second, averaged over half a minute. */
function ratesOf({ logins, intervalSeconds }: Overview, isCounted: (outcome: string) => boolean): readonly number[] {
  const counted = logins.filter(({ outcome }) => isCounted(outcome));
  const length = Math.max(1, Math.round(3_600 / intervalSeconds));
  const sums = Array.from({ length }, (_, at) => counted.reduce((sum, { counts }) => sum + (counts[at] ?? 0), 0));
  return sums.map((_, at) => {
    const window = sums.slice(Math.max(0, at - SPAN + 1), at + 1);
    return window.reduce((sum, count) => sum + count, 0) / (window.length * intervalSeconds);
  });
}

function Logins({ overview }: { readonly overview: Overview }) {
  const admitted = ratesOf(overview, (outcome) => outcome === "ok");
  const refused = ratesOf(overview, (outcome) => outcome !== "ok");
  const startSeconds = (timeMs(overview.loginsStartTime) ?? 0) / 1_000;
  const times = admitted.map((_, at) => startSeconds + at * overview.intervalSeconds);
  return (
    <section class="card wide">
      <h2>Logins a second, this gateway</h2>
      <p class="rates">
        <span>
          <strong class="good-text">{admitted.at(-1)?.toFixed(1)}</strong> admitted
        </span>
        <span>
          <strong class="bad-text">{refused.at(-1)?.toFixed(1)}</strong> refused
        </span>
        <span class="quiet">in the last half minute</span>
      </p>
      <LoginChart times={times} admitted={admitted} refused={refused} />
    </section>
  );
}

function Errors({ overview }: { readonly overview: Overview }) {
  const errors = overview.logins
    .filter(({ outcome }) => outcome !== "ok")
    .map(({ outcome, counts }) => ({ outcome, count: counts.reduce((sum, one) => sum + one, 0) }))
    .filter(({ count }) => count > 0)
    .sort((one, other) => other.count - one.count);
  const [most] = errors;
  return (
    <section class="card">
      <h2>Refused in the last hour</h2>
      {most === undefined && <p class="quiet">Nothing was refused.</p>}
      <ul class="bars">
        {errors.map(({ outcome, count }) => (
          <li key={outcome}>
            <a href={addressOf(["devices"], { filter: `last_failure_reason = ${outcome}` })}>{reasonText(outcome)}</a>
            <span>{numberText(count)}</span>
            <meter min={0} max={most?.count ?? 1} value={count} aria-label={`Share of ${reasonText(outcome)}`} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Parts({ overview }: { readonly overview: Overview }) {
  const parts = [
    ["Limits (Redis)", overview.limits],
    ["Database", overview.store],
    ["Signing keys", overview.signer],
  ] as const;
  return (
    <section class="card">
      <h2>This gateway</h2>
      <ul class="parts">
        {parts.map(([name, state]) => (
          <li key={name}>
            <span>{name}</span>
            <Badge state={enumText(PartStateSchema, state)} />
          </li>
        ))}
        <li>
          <span>Version</span>
          <span>{overview.version}</span>
        </li>
      </ul>
    </section>
  );
}

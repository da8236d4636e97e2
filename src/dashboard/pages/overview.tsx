// The overview: the fleet, logins of the last hour, refusals, and the parts of the gateway.

import type { Overview } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { LoginChart } from "../login-chart.tsx";
import { Badge, Page, Time } from "../parts.tsx";
import { addressOf } from "../router.ts";
import { numberText, partWord, reasonText, timeMs } from "../words.ts";

export function OverviewPage({ overview }: { readonly overview: Overview | undefined }) {
  return (
    <Page title="Overview">
      <Fleet overview={overview} />
      <div class="columns">
        <section class="card wide">
          <h2>Logins a second, this gateway</h2>
          <Rates overview={overview} />
          {overview === undefined ? (
            <p class="empty">Loading…</p>
          ) : (
            <LoginChart
              startMs={timeMs(overview.loginsStartTime) ?? 0}
              intervalSeconds={overview.intervalSeconds}
              logins={overview.logins}
            />
          )}
        </section>
        <Refusals overview={overview} />
        <Parts overview={overview} />
      </div>
    </Page>
  );
}

function Fleet({ overview }: { readonly overview: Overview | undefined }) {
  const fleet = overview?.fleet;
  const tiles = [
    ["Devices", fleet?.devices, addressOf(["devices"])],
    ["Seen in the last hour", fleet?.seenLastHour, addressOf(["devices"], { filter: "last_login_time > -1h" })],
    ["Seen in the last day", fleet?.seenLastDay, addressOf(["devices"], { filter: "last_login_time > -1d" })],
    ["Failing", fleet?.failing, addressOf(["devices"], { failing: "true" })],
    ["Disabled", fleet?.disabled, addressOf(["devices"], { status: "disabled" })],
  ] as const;
  return (
    <section aria-label="Fleet">
      <ul class="tiles">
        {tiles.map(([name, count, href]) => (
          <li key={name}>
            <a class="card tile" href={href}>
              <span class="figure">{count === undefined ? "–" : numberText(count)}</span>
              <span class="quiet">{name}</span>
            </a>
          </li>
        ))}
      </ul>
      <p class="quiet small">
        {fleet === undefined ? (
          "Not counted yet."
        ) : (
          <>
            Counted <Time time={fleet.countTime} />.
          </>
        )}
      </p>
    </section>
  );
}

/** Rates of the last half minute. */
function Rates({ overview }: { readonly overview: Overview | undefined }) {
  if (overview === undefined) return null;
  const { intervalSeconds, logins } = overview;
  const rateOf = (counts: readonly number[]): number =>
    counts.slice(-6).reduce((sum, count) => sum + count, 0) / (6 * intervalSeconds);
  const admitted = logins.filter(({ outcome }) => outcome === "ok").reduce((sum, one) => sum + rateOf(one.counts), 0);
  const refused = logins.filter(({ outcome }) => outcome !== "ok").reduce((sum, one) => sum + rateOf(one.counts), 0);
  return (
    <p class="rates">
      <span>
        <strong class="good-text">{admitted.toFixed(1)}</strong> admitted
      </span>
      <span>
        <strong class="bad-text">{refused.toFixed(1)}</strong> refused
      </span>
      <span class="quiet">now</span>
    </p>
  );
}

function Refusals({ overview }: { readonly overview: Overview | undefined }) {
  const refusals = (overview?.logins ?? [])
    .filter(({ outcome }) => outcome !== "ok")
    .map(({ outcome, counts }) => ({ outcome, count: counts.reduce((sum, one) => sum + one, 0) }))
    .filter(({ count }) => count > 0)
    .sort((one, other) => other.count - one.count);
  const [most] = refusals;
  return (
    <section class="card">
      <h2>Refused in the last hour</h2>
      {most === undefined && <p class="quiet">Nothing was refused.</p>}
      <ul class="bars">
        {refusals.map(({ outcome, count }) => (
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

function Parts({ overview }: { readonly overview: Overview | undefined }) {
  if (overview === undefined) return null;
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
            <Badge word={partWord(state)} />
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

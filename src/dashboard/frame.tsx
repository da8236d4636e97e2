// The frame of every page: navigation, the operator, and a degradation banner.

import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";
import { type Overview, PartState } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { admin } from "./gateway.ts";
import { type Loaded, useLoaded, useSession } from "./loading.ts";
import { AuditPage } from "./pages/audit.tsx";
import { CustomerPage } from "./pages/customer.tsx";
import { CustomersPage } from "./pages/customers.tsx";
import { DevicePage } from "./pages/device.tsx";
import { DevicesPage } from "./pages/devices.tsx";
import { EnrolPage } from "./pages/enrol.tsx";
import { OperatorsPage } from "./pages/operators.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { SigningKeysPage } from "./pages/signing-keys.tsx";
import { Notice } from "./parts.tsx";
import { addressOf, useAddress } from "./router.ts";

interface Section {
  /** The first part of the addresses of its pages; empty: the overview. */
  readonly path: string;
  readonly text: string;
  readonly page: (name: string | undefined, query: URLSearchParams, overview?: Overview) => ComponentChildren;
}

const SECTIONS: readonly Section[] = [
  { path: "", text: "Overview", page: (_name, _query, overview) => <OverviewPage overview={overview} /> },
  {
    path: "devices",
    text: "Devices",
    page: (name, query) => (name ? <DevicePage key={name} deviceKey={name} /> : <DevicesPage query={query} />),
  },
  { path: "enrol", text: "Enrol", page: (_name, query) => <EnrolPage customer={query.get("customer") ?? ""} /> },
  {
    path: "customers",
    text: "Customers",
    page: (name) => (name ? <CustomerPage key={name} customerId={name} /> : <CustomersPage />),
  },
  { path: "signing-keys", text: "Signing keys", page: () => <SigningKeysPage /> },
  { path: "audit", text: "Audit", page: (_name, query) => <AuditPage query={query} /> },
  { path: "operators", text: "Operators", page: () => <OperatorsPage /> },
];

const POLL_MS = 5_000;

export function Frame({ onSignOut }: { readonly onSignOut: () => void }): VNode {
  const { path, query } = useAddress();
  const { operator, isAdmin } = useSession();
  const [isOpen, setOpen] = useState(false);
  const overview = useLoaded(() => admin.getOverview({}), [], POLL_MS);
  const [section = "", name] = path;
  const shown = SECTIONS.find((one) => one.path === section);
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to the page
      </button>
      <aside class={isOpen ? "open" : ""}>
        <div class="brand">
          <img src={new URL("./icon.svg", import.meta.url).href} alt="" width={26} height={26} />
          <strong>Countersign</strong>
          <button type="button" class="menu" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            Menu
          </button>
        </div>
        <nav aria-label="Pages of the dashboard">
          {SECTIONS.map(({ path, text }) => (
            <a
              key={path}
              href={addressOf(path === "" ? [] : [path])}
              aria-current={path === section ? "page" : undefined}
              onClick={() => setOpen(false)}
            >
              {text}
            </a>
          ))}
        </nav>
        <div class="operator">
          <span title={`Token ${operator.tokenId}`}>{operator.name}</span>
          <small class="quiet">{isAdmin ? "may change everything" : "may read only"}</small>
          <button type="button" onClick={onSignOut}>
            Sign out
          </button>
        </div>
      </aside>
      <main id="main" tabIndex={-1}>
        <Banner {...overview} />
        {shown === undefined ? (
          <p class="empty">
            There is no such page. <a href={addressOf([])}>Overview</a>
          </p>
        ) : (
          shown.page(name, query, overview.value)
        )}
      </main>
    </div>
  );
}

const TROUBLES = [
  ["limits", PartState.DEGRADED, "Redis is away: each gateway counts logins alone, or admits all (REDIS_DOWN=allow)."],
  ["limits", PartState.UNAVAILABLE, "Redis is away, and logins are refused (REDIS_DOWN=deny)."],
  ["store", PartState.DEGRADED, "The database cannot be written: logins continue, changes fail."],
  ["store", PartState.UNAVAILABLE, "The database does not answer: logins are refused."],
  ["signer", PartState.UNAVAILABLE, "There is no key to sign tokens with: logins are refused."],
] as const;

function Banner({ value, failure }: Loaded<Overview>) {
  if (failure?.reason === "unreachable") {
    return <Notice tone="bad">The gateway does not answer. This page continues by itself once it does.</Notice>;
  }
  return TROUBLES.filter(([part, state]) => value?.[part] === state).map(([, state, text]) => (
    <Notice key={text} tone={state === PartState.UNAVAILABLE ? "bad" : "warn"}>
      {text}
    </Notice>
  ));
}

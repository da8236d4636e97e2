// The frame around every page: navigation, the operator, and a banner while something is degraded.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Overview as OverviewMessage, PartState } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { admin, type Failure } from "./gateway.ts";
import { useLoaded, useSession } from "./loading.ts";
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
import { type Address, addressOf, useAddress } from "./router.ts";
import { roleText } from "./words.ts";

const LINKS = [
  ["", "Overview"],
  ["devices", "Devices"],
  ["enrol", "Enrol"],
  ["customers", "Customers"],
  ["signing-keys", "Signing keys"],
  ["audit", "Audit"],
  ["operators", "Operators"],
] as const;

const POLL_MS = 5_000;

export function Frame({ onSignOut }: { readonly onSignOut: () => void }) {
  const address = useAddress();
  const { operator } = useSession();
  const [isOpen, setOpen] = useState(false);
  const overview = useLoaded(() => admin.getOverview({}), [], POLL_MS);
  const [section = ""] = address.path;
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
          {LINKS.map(([path, text]) => (
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
          <small class="quiet">{roleText(operator.role) === "admin" ? "may change everything" : "may read only"}</small>
          <button type="button" onClick={onSignOut}>
            Sign out
          </button>
        </div>
      </aside>
      <main id="main" tabIndex={-1}>
        <Banner overview={overview.value} failure={overview.failure} />
        {pageOf(address, overview.value)}
      </main>
    </div>
  );
}

/** The page that an address names. */
function pageOf({ path, query }: Address, overview: OverviewMessage | undefined): ComponentChildren {
  const [section = "", name] = path;
  switch (section) {
    case "":
      return <OverviewPage overview={overview} />;
    case "devices":
      return name === undefined ? <DevicesPage query={query} /> : <DevicePage key={name} deviceKey={name} />;
    case "enrol":
      return <EnrolPage customer={query.get("customer") ?? ""} />;
    case "customers":
      return name === undefined ? <CustomersPage /> : <CustomerPage key={name} customerId={name} />;
    case "signing-keys":
      return <SigningKeysPage />;
    case "audit":
      return <AuditPage query={query} />;
    case "operators":
      return <OperatorsPage />;
    default:
      return (
        <p class="empty">
          There is no such page. <a href={addressOf([])}>Overview</a>
        </p>
      );
  }
}

interface BannerProps {
  readonly overview: OverviewMessage | undefined;
  readonly failure: Failure | undefined;
}

const TROUBLES: Readonly<Record<"limits" | "store" | "signer", Partial<Record<PartState, string>>>> = {
  limits: {
    [PartState.DEGRADED]: "Redis is away: each gateway decides limits by its own share.",
    [PartState.UNAVAILABLE]: "Redis is away, and logins are refused (REDIS_DOWN=deny).",
  },
  store: {
    [PartState.DEGRADED]: "The database cannot be written: logins go on, changes fail.",
    [PartState.UNAVAILABLE]: "The database does not answer: logins are refused.",
  },
  signer: {
    [PartState.UNAVAILABLE]: "There is no key to sign tokens with: logins are refused.",
  },
};

function Banner({ overview, failure }: BannerProps) {
  if (failure?.reason === "unreachable") {
    return <Notice tone="bad">The gateway does not answer. This page goes on by itself once it does.</Notice>;
  }
  if (overview === undefined) return null;
  const troubles = (["limits", "store", "signer"] as const).flatMap((part) => {
    const text = TROUBLES[part][overview[part]];
    return text === undefined ? [] : [{ state: overview[part], text }];
  });
  return (
    <>
      {troubles.map(({ state, text }) => (
        <Notice key={text} tone={state === PartState.UNAVAILABLE ? "bad" : "warn"}>
          {text}
        </Notice>
      ))}
    </>
  );
}

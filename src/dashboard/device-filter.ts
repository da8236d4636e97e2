// The filter of the devices page: its form, as AdminService reads it.

export interface DeviceSearch extends Readonly<Record<string, string>> {
  /** The first characters of a device_key. */
  readonly prefix: string;
  readonly customer: string;
  readonly status: string;
  /** As in site=north. */
  readonly label: string;
  readonly failing: string;
  /** As in 30d. */
  readonly unseen: string;
  /** A filter in words of the contract, beside the others. */
  readonly filter: string;
}

const NAMES = ["prefix", "customer", "status", "label", "failing", "unseen", "filter"] as const;

/** The search that an address names. */
export function readSearch(query: URLSearchParams): DeviceSearch {
  const [prefix = "", customer = "", status = "", label = "", failing = "", unseen = "", filter = ""] = NAMES.map(
    (name) => query.get(name) ?? "",
  );
  return { prefix, customer, status, label, failing, unseen, filter };
}

/** Quotes a value. */
export function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** The first name after all that begin with a prefix: visible ASCII sorts before it. */
const AFTER_ALL = "ÿ";

/** The filter of a search; empty: all devices. */
export function filterOf({ prefix, customer, status, label, failing, unseen, filter }: DeviceSearch): string {
  const [name = "", value = ""] = label.split(/=(.*)/s, 2);
  return [
    prefix === "" ? "" : `device_key >= ${quote(prefix)} AND device_key < ${quote(`${prefix}${AFTER_ALL}`)}`,
    customer === "" ? "" : `customer_id = ${quote(customer)}`,
    status === "" ? "" : `status = ${status}`,
    name.trim() === "" ? "" : `labels.${name.trim()} ${value === "" ? "!=" : "="} ${quote(value)}`,
    failing === "" ? "" : "failing = true",
    unseen === "" ? "" : `last_seen_time < -${unseen}`,
    filter,
  ]
    .filter((condition) => condition.trim() !== "")
    .join(" AND ");
}

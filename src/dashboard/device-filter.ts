// The filter of the devices page, as AdminService reads it.

export function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Appended to a prefix, it sorts after all names with this prefix, which are visible ASCII. */
const AFTER_ALL = "ÿ";

/** The filter for the parameters of the page's address; empty: all devices. */
export function filterOf(query: URLSearchParams): string {
  const of = (name: string): string => query.get(name) ?? "";
  const [prefix, customer, status, unseen] = [of("prefix"), of("customer"), of("status"), of("unseen")];
  const [label = "", value = ""] = of("label").split(/=(.*)/s, 2);
  return [
    prefix && `device_key >= ${quote(prefix)} AND device_key < ${quote(`${prefix}${AFTER_ALL}`)}`,
    customer && `customer_id = ${quote(customer)}`,
    status && `status = ${status}`,
    label.trim() && `labels.${label.trim()} ${value === "" ? "!=" : "="} ${quote(value)}`,
    of("failing") && "failing = true",
    unseen && `last_seen_time < -${unseen}`,
    of("filter").trim(),
  ]
    .filter((condition) => condition !== "")
    .join(" AND ");
}

// Addresses of pages: the fragment of the URL, as in #/devices?status=disabled.

import { useEffect, useRef, useState } from "preact/hooks";

export interface Address {
  /** Decoded parts of the path, as in ["devices", "pump-7"]. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** Reads the address of the page that is shown. */
function readAddress(): Address {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a page, for links. Empty parameters are left out. */
export function addressOf(path: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const parameters = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${parameters === "" ? "" : `?${parameters}`}`;
}

export function goTo(path: readonly string[], query?: Readonly<Record<string, string>>): void {
  location.hash = addressOf(path, query);
}

/** The current address; the component is drawn again when it changes. */
export function useAddress(): Address {
  const [address, setAddress] = useState(readAddress);
  useEffect(() => {
    const read = (): void => setAddress(readAddress());
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  return address;
}

/**
 * A search form's draft: it goes into the address `waitMs` milliseconds after the last key, without an entry of the history each,
 * and follows the address when a link changes that.
 */
export function useSearchDraft<Search extends Readonly<Record<string, string>>>(
  path: readonly string[],
  search: Search,
  waitMs: number,
): readonly [draft: Search, set: (change: Partial<Search>) => void] {
  const [draft, setDraft] = useState(search);
  const written = addressOf(path, search);
  const sent = useRef(written);
  useEffect(() => {
    if (written !== sent.current) setDraft(search);
    sent.current = written;
  }, [written]);
  useEffect(() => {
    const address = addressOf(path, draft);
    const timer = setTimeout(() => {
      if (address === sent.current) return;
      sent.current = address;
      location.replace(address);
    }, waitMs);
    return () => clearTimeout(timer);
  }, [draft]);
  return [draft, (change) => setDraft({ ...draft, ...change })];
}

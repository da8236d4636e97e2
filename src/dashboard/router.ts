// Addresses of pages: the fragment of the URL, as in #/devices?status=disabled.

import { useEffect, useState } from "preact/hooks";

export interface Address {
  /** Decoded parts of the path, as in ["devices", "pump-7"]. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

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
export function addressOf(path: readonly string[], query: Readonly<Partial<Record<string, string>>> = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value = ""] of Object.entries(query)) if (value !== "") parameters.set(name, value);
  return `#/${path.map(encodeURIComponent).join("/")}${parameters.size === 0 ? "" : `?${parameters}`}`;
}

/** Opens a page. Resolves once it is shown. */
export function goTo(path: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    addEventListener("hashchange", () => resolve(), { once: true });
    location.hash = addressOf(path);
  });
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

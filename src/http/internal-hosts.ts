// Host names that the internal listener answers to, against DNS rebinding.

import { isIPv4, isIPv6 } from "node:net";

/** An address in brackets or a name, a trailing dot, and a port (RFC 9110, 7.2). */
const HOST = /^(?:\[([^[\]]+)\]|([^[\]:]*[^[\]:.]))\.?(?::\d{0,5})?$/;

/** Whether a name in lower case may resolve to loopback alone (RFC 6761, 6.3). */
const LOCAL = /^(?:[\w-]+\.)*localhost$/;

/**
 * Checks the Host header of a request. IP addresses, localhost and a missing Host are accepted: a rebinding page sends the
 * name of its own domain.
 * @param names in lower case, without a trailing dot
 */
export function createHostCheck(listenHost: string, names: readonly string[]): (host: string | undefined) => boolean {
  const accepted = new Set([listenHost.toLowerCase(), ...names]);
  return (host) => {
    if (host === undefined) return true;
    const [, ipv6 = "", name = ""] = HOST.exec(host.toLowerCase()) ?? [];
    return isIPv6(ipv6) || isIPv4(name) || LOCAL.test(name) || accepted.has(name);
  };
}

// Parses a Redis URL: one server, Sentinels, or a Cluster.

import { isIPv4, isIPv6 } from "node:net";

export interface RedisAddress {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** An undefined part is not sent. */
export interface RedisLogin {
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** `tls` is for every connection, also to Sentinels. */
export type RedisUrl =
  | ({ readonly kind: "standalone"; readonly tls: boolean; readonly db: number } & RedisAddress & RedisLogin)
  | ({
      readonly kind: "sentinel";
      readonly tls: boolean;
      readonly db: number;
      readonly sentinels: readonly RedisAddress[];
      /** The master's name at the Sentinels. */
      readonly master: string;
      readonly sentinelLogin: RedisLogin;
    } & RedisLogin)
  | ({ readonly kind: "cluster"; readonly tls: boolean; readonly nodes: readonly RedisAddress[] } & RedisLogin);

const FORM = /^(rediss?)(?:\+(cluster|sentinel))?:\/\/(?:([^/?#]*)@)?([^/?#@]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/i;
const FORMS =
  "redis://host:port, redis+sentinel://host:port,host:port/master or redis+cluster://host:port,host:port, each also as rediss";
const REDIS_PORT = 6_379;
const SENTINEL_PORT = 26_379;

/**
 * `redis://[user:password@]host[:port][/db]`, `redis+sentinel://[user:password@]host[:port],…/master[/db]`, whose Sentinels'
 * own login goes into `?sentinel_username=…&sentinel_password=…`, or `redis+cluster://[user:password@]host[:port],…`.
 * User, password and master may be percent-encoded. Parsed by hand: WHATWG URLs have one host.
 * @throws Error whose message is the end of a sentence and repeats nothing of the text, which may be part of a password
 */
export function parseRedisUrl(text: string): RedisUrl {
  const [, scheme = "", several = "", userinfo = "", hosts = "", path = "", query = ""] = FORM.exec(text) ?? [];
  if (/\s/.test(text)) throw new Error("has a space or a line break in it. Remove it");
  // A slash, ? or # before the @ belongs to a password and has to be percent-encoded.
  if (/^[^@]*:\/\/[^@]*[/?#][^@]*@/.test(text)) {
    throw new Error("has a user or password with a slash, question mark or hash in it. Write them as %2F, %3F and %23");
  }
  if (/@[^@]*,/.test(userinfo)) {
    throw new Error(
      "has a user or password at several hosts. Write them once, before the first, and an @ in them as %40",
    );
  }
  if (hosts === "") throw new Error(`is not a Redis URL. Write ${FORMS}`);
  const shared = { tls: scheme.toLowerCase() === "rediss", ...parseLogin(userinfo) };
  if (several.toLowerCase() === "sentinel") {
    const [master = "", db = "", ...rest] = path.split("/");
    if (master === "" || rest.length > 0) {
      throw new Error(
        "has to name the master that the Sentinels know, and at most a database after it. Write redis+sentinel://host:port,host:port/master or …/master/database",
      );
    }
    const sentinels = parseAddresses(hosts, SENTINEL_PORT);
    const sentinelLogin = parseSentinelLogin(query);
    return { kind: "sentinel", ...shared, sentinels, master: decode(master), db: parseDb(db), sentinelLogin };
  }
  if (query !== "") throw new Error("has parameters after a question mark, which only redis+sentinel:// takes");
  const nodes = parseAddresses(hosts, REDIS_PORT);
  if (several !== "") {
    if (path !== "" && path !== "0") throw new Error("names a database, but a Cluster has none. Leave it out");
    return { kind: "cluster", ...shared, nodes };
  }
  const [address, ...others] = nodes;
  if (address === undefined || others.length > 0) {
    throw new Error("names several hosts. Write redis+sentinel:// for Sentinels or redis+cluster:// for a Cluster");
  }
  return { kind: "standalone", ...shared, ...address, db: parseDb(path) };
}

/** Reads user and password. A user name alone gets an empty password, for users with `nopass`. */
function parseLogin(userinfo: string): RedisLogin {
  const [name = "", ...rest] = userinfo.split(":");
  const username = decode(name) || undefined;
  const password = decode(rest.join(":"));
  return { username, password: username === undefined ? password || undefined : password };
}

function parseSentinelLogin(query: string): RedisLogin {
  if (!/^(?:(?:sentinel_(?:username|password)=[^&]*)?(?:&|$))*$/.test(query)) {
    throw new Error(
      "has a parameter that is neither sentinel_username=… nor sentinel_password=…. Write an & in a password as %26",
    );
  }
  decode(query);
  // URLSearchParams reads a plus sign, which a password may have, as a space.
  const parameters = Object.fromEntries(new URLSearchParams(query.replaceAll("+", "%2B")));
  const { sentinel_username: username, sentinel_password: password } = parameters;
  if (username && !password) {
    throw new Error("has a sentinel_username without its sentinel_password. Give both, or the password alone");
  }
  return { username: username || undefined, password: password || undefined };
}

function parseAddresses(hosts: string, defaultPort: number): RedisAddress[] {
  return hosts.split(",").map((text) => {
    const [, bracketed, plain = "", digits] = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(text) ?? [];
    if (!(bracketed === undefined ? isHostName(plain) : isIPv6(bracketed))) {
      throw new Error("has an invalid host. Write host:port or [IPv6 address]:port, with commas between several");
    }
    const port = digits === undefined ? defaultPort : /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
    if (port < 1 || port > 65_535) throw new Error("has a port that is not from 1 to 65535");
    return { host: bracketed ?? plain, port };
  });
}

/** Whether a text is a host name. Names of containers may have underscores; digits and dots alone are an address. */
function isHostName(text: string): boolean {
  return isIPv4(text) || (/^[\w-]+(?:\.[\w-]+)*\.?$/.test(text) && !/^[\d.]+$/.test(text));
}

function parseDb(text: string): number {
  if (!/^\d{0,5}$/.test(text)) throw new Error("has a database that is not a number");
  return Number(text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error("is percent-encoded wrongly. Write a percent sign as %25");
  }
}

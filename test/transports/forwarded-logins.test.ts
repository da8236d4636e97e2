// Whose budget a login spends, on running gateways, by every protocol: the peer's, or that of the caller a trusted proxy names.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signLogin } from "../../src/cli/sign.ts";
import type { Environment } from "../../src/environment.ts";
import { CUSTOMER_KEY, openGateway, type TestGateway } from "../gateway.ts";
import { type Lines, type Way, ways } from "./forwarded-ways.ts";

const NOW = 1_764_000_000_000;
const LIMITED = /too many requests from this address/;
const gateways = new Map<string, TestGateway>();
let device: Readonly<Record<string, string>> = {};

const settings: Readonly<Record<string, Environment>> = {
  open: {},
  elsewhere: { TRUSTED_PROXIES: "10.0.0.0/8" },
  trusting: { TRUSTED_PROXIES: "127.0.0.1,10.0.0.0/8" },
  either: { TRUSTED_PROXIES: "127.0.0.1" },
  usual: { TRUSTED_PROXIES: "127.0.0.1,10.0.0.0/8", FORWARDED_HEADER: "X-Forwarded-For" },
  standard: { TRUSTED_PROXIES: "127.0.0.1,10.0.0.0/8", FORWARDED_HEADER: "Forwarded" },
  excepting: {
    TRUSTED_PROXIES: "127.0.0.1",
    ADDRESS_LIMIT_OVERRIDES: "198.51.100.0/24=3/60s,198.51.100.7=2/60s,2001:db8::/32=off,203.0.113.0/24=1/60s",
  },
};

beforeAll(async () => {
  const options = { now: () => NOW };
  for (const [name, each] of Object.entries(settings)) {
    const usual = { LOGIN_LIMIT: "off", ADDRESS_LIMIT: name === "excepting" ? "off" : "1/60s" };
    gateways.set(name, await openGateway({ ...usual, ...each }, options));
  }
  const devices = [...gateways].map(async ([name, gateway]) => [name, await gateway.enrol()] as const);
  device = Object.fromEntries(await Promise.all(devices));
});
afterAll(() => Promise.all([...gateways.values()].map((gateway) => gateway.close())));

/** Logs a device in on a gateway. */
async function logIn(gatewayName: string, way: Way, lines: Lines): Promise<"ok" | "limited"> {
  const gateway = gateways.get(gatewayName);
  if (gateway === undefined) throw new TypeError(`there is no gateway ${gatewayName}`);
  const login = signLogin({ deviceKey: device[gatewayName] ?? "", customerKey: CUSTOMER_KEY }, NOW / 1_000);
  const outcome = await way.send(gateway, login, lines);
  if (outcome === "ok") return "ok";
  expect(outcome).toMatch(LIMITED);
  return "limited";
}

const forwardedFor = (...lines: readonly string[]): Lines => ({ "x-forwarded-for": lines });

/** One way after the other: each has an octet of its own, so that none spends the budget of another. */
describe.each(ways.map((way, at) => ({ ...way, at })))("by $name", ({ at, ...way }) => {
  test("two clients behind one proxy have a budget each, whatever they write further left", async () => {
    const [one, other] = [`192.0.2.${at}`, `192.0.3.${at}`];
    expect(await logIn("trusting", way, forwardedFor(one))).toBe("ok");
    expect(await logIn("trusting", way, forwardedFor(one))).toBe("limited");
    expect(await logIn("trusting", way, forwardedFor(`192.0.4.${at}, ${one}`))).toBe("limited");
    expect(await logIn("trusting", way, forwardedFor(`192.0.4.${at}`, `${one}:4711`, "10.0.0.2"))).toBe("limited");
    expect(await logIn("trusting", way, forwardedFor(`"192.0.4.${at}, ${one}, 10.1.1.1`))).toBe("limited");
    // Neither the other client nor the one whose address was taken in vain has paid for that.
    expect(await logIn("trusting", way, forwardedFor(`${one}, ${other}`))).toBe("ok");
    expect(await logIn("trusting", way, forwardedFor(`192.0.4.${at}`))).toBe("ok");
  });

  test("the header that the proxies do not write changes nothing", async () => {
    const address = `192.0.5.${at}`;
    const [usual, standard] = [{ "x-forwarded-for": [address] }, { forwarded: [`for=${address}`] }];
    expect(await logIn("usual", way, usual)).toBe("ok");
    expect(await logIn("usual", way, { ...usual, forwarded: [`for=192.0.6.${at}`] })).toBe("limited");
    expect(await logIn("standard", way, standard)).toBe("ok");
    expect(await logIn("standard", way, { ...standard, "x-forwarded-for": [`192.0.6.${at}`] })).toBe("limited");
  });

  test("either header is believed where it is not known which one the proxies write, unless they disagree", async () => {
    const address = `192.0.8.${at}`;
    const both = { "x-forwarded-for": [`6.6.6.6, ${address}`], forwarded: [`for=7.7.7.7, for=${address}`] };
    expect(await logIn("either", way, { forwarded: [`for=${address}`] })).toBe("ok");
    expect(await logIn("either", way, forwardedFor(address))).toBe("limited");
    expect(await logIn("either", way, both)).toBe("limited");
    // What disagrees counts under the proxy, whichever address it names.
    const outcomes: string[] = [];
    for (const claimed of [`192.0.9.${at}`, `192.0.10.${at}`]) {
      outcomes.push(await logIn("either", way, { ...both, forwarded: [`for=${claimed}`] }));
      expect(await logIn("either", way, { forwarded: [`for=${claimed}`] })).toBe("ok");
    }
    expect(outcomes.at(-1)).toBe("limited");
  });

  test("Forwarded is read from the right too", async () => {
    const [caller, hop] = [`for="[2001:db8:0:${at}::1]:4711";proto=https`, "for=10.0.0.2;by=_proxy"];
    expect(await logIn("standard", way, { forwarded: [`for="6.6.6.6, ${caller}, ${hop}`] })).toBe("ok");
    expect(await logIn("standard", way, { forwarded: [`for=192.0.7.${at}, ${caller}`, hop] })).toBe("limited");
    expect(await logIn("standard", way, { forwarded: [`for=192.0.7.${at}`] })).toBe("ok");
  });

  test("IPv6 addresses of one /64 share a budget, and a mapped IPv4 address has its own", async () => {
    const network = `2001:db8:1:${at}`;
    expect(await logIn("trusting", way, forwardedFor(`${network}::1`))).toBe("ok");
    expect(await logIn("trusting", way, forwardedFor(`[${network}:ffff::2]:80`))).toBe("limited");
    expect(await logIn("trusting", way, forwardedFor(`2001:db8:2:${at}::1`))).toBe("ok");
    expect(await logIn("trusting", way, forwardedFor(`::ffff:192.0.8.${at}`))).toBe("ok");
    expect(await logIn("trusting", way, forwardedFor(`192.0.8.${at}`))).toBe("limited");
  });

  test("a network with a limit of its own has that, and the smallest that an address lies in decides", async () => {
    const admitted = async (address: string, times: number): Promise<number> => {
      const outcomes: string[] = [];
      for (let time = 0; time < times; time++) outcomes.push(await logIn("excepting", way, forwardedFor(address)));
      return outcomes.filter((outcome) => outcome === "ok").length;
    };
    expect(await admitted(`198.51.100.${100 + at}`, 5)).toBe(3);
    expect(await admitted(`203.0.113.${at}`, 2)).toBe(1);
    expect(await admitted(`2001:db8:${at}::1`, 5)).toBe(5);
    expect(await admitted(`192.0.2.${at}`, 5)).toBe(5);
  });
});

describe("where the peer is not trusted", () => {
  // One budget, the peer's own: whichever way comes first spends it for all.
  test.each(["open", "elsewhere"])("headers are ignored by every protocol: %s", async (gateway) => {
    const outcomes: string[] = [];
    for (const [at, way] of ways.entries()) {
      const lines = { "x-forwarded-for": [`192.0.2.${at}`], forwarded: [`for=192.0.2.${at}`] };
      outcomes.push(await logIn(gateway, way, lines));
    }
    expect(outcomes).toEqual(["ok", ...ways.slice(1).map(() => "limited")]);
  });
});

describe("where it is", () => {
  test("one caller has one budget by all protocols together", async () => {
    const outcomes: string[] = [];
    for (const way of ways) outcomes.push(await logIn("trusting", way, forwardedFor("192.0.9.1")));
    expect(outcomes).toEqual(["ok", ...ways.slice(1).map(() => "limited")]);
  });

  test("what is no address counts under the proxy, by all protocols together", async () => {
    const lists = [
      "unknown",
      "192.0.10.1, _hidden",
      "",
      "192.0.10.2,",
      "localhost",
      "192.0.10.3, 1",
      "for=192.0.10.4",
      "x",
    ];
    const outcomes: string[] = [];
    for (const [at, way] of ways.entries()) outcomes.push(await logIn("trusting", way, forwardedFor(lists[at] ?? "")));
    expect(outcomes).toEqual(["ok", ...ways.slice(1).map(() => "limited")]);
  });

  test("the smallest network decides for one address alone", async () => {
    const way = ways[0];
    if (way === undefined) throw new TypeError("there are ways");
    const outcomes: string[] = [];
    for (let time = 0; time < 3; time++) {
      outcomes.push(await logIn("excepting", way, forwardedFor("198.51.100.7")));
    }
    expect(outcomes).toEqual(["ok", "ok", "limited"]);
  });
});

// What becomes of charges while the store is away: a choice of the operator's. Knows nothing else.

/** `local`: decided by this gateway's share of each limit; `deny`: refused as unavailable; `allow`: admitted. */
export const WHEN_AWAY = ["local", "deny", "allow"] as const;

export type WhenAway = (typeof WHEN_AWAY)[number];

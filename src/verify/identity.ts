// Whose a token is: what a service learns of it, wherever it was checked. Knows nothing of how.

/** The device that logged in, as its token tells it. */
export interface Identity {
  /** Names the device: 1 to 96 visible ASCII characters. */
  readonly deviceKey: string;
  /** Whose device it is. */
  readonly customerId: string;
  /** Names the token. */
  readonly jti: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

// The identity in a token, wherever it was checked.

/** The device that logged in, as its token tells it. */
export interface Identity {
  /** Names the device: 1 to 96 visible ASCII characters. */
  readonly deviceKey: string;
  /** The owner of the device. */
  readonly customerId: string;
  /** Names the token. */
  readonly jti: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

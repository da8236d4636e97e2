// What taking tokens back comes to, as commands tell it. Knows no command.

/** The end of a sentence on tokens that were just revoked. */
export const REVOKED_TOKENS =
  "services that check them at a gateway refuse them from now on, those that check them by themselves let them in until they expire";

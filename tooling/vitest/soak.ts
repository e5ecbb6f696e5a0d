/**
 * Whether this is the long form of the tests (`npm run test:soak`): what it has besides takes long, or shows once more, by other
 * means or on another screen, what the short form shows.
 */
export const SOAK = process.env.SOAK === "1";

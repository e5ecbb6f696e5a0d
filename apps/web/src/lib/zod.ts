import { z } from "zod";

// Compiling schemas needs `eval`, which the policy of the page forbids; trying it would be reported as a violation.
z.config({ jitless: true });

export { z };

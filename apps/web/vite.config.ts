import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defaultClientConditions, defineConfig } from "vite";

/** Modules that do nothing but define things: what the page does not use of them is left out. */
const PURE = /[\\/]packages[\\/]core[\\/]src[\\/]/;

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { conditions: ["@stagefold/source", ...defaultClientConditions] },
  build: {
    // Everything is a file of its own: the page's policy allows no inline script, style or font.
    assetsInlineLimit: 0,
    // Of the packages whose code is in the page.
    license: { fileName: "notices.md" },
    target: ["chrome123", "firefox128", "safari17.5"],
    rolldownOptions: {
      treeshake: { moduleSideEffects: (id) => !PURE.test(id) },
    },
  },
});

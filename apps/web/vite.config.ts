import { brotliCompressSync, gzipSync } from "node:zlib";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defaultClientConditions, defineConfig, type Plugin } from "vite";

/** Modules that do nothing but define things: what the page does not use of them is left out. */
const PURE = /[\\/]packages[\\/]core[\\/]src[\\/]/;
/** Bytes: what is smaller than a packet is not worth packing. */
const WORTH_PACKING = 1024;

export default defineConfig({
  // Addresses of files are relative: the API, which knows the path that it is served below, writes it into the page.
  base: "./",
  plugins: [react(), tailwindcss(), packed()],
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

/** Puts a `.br` and a `.gz` beside each script and style: packed once and well, where the server would at every request. */
function packed(): Plugin {
  return {
    name: "packed",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        for (const file of Object.values(bundle)) {
          const source = Buffer.from(file.type === "chunk" ? file.code : file.source);
          if (!/\.(js|css)$/.test(file.fileName) || source.length < WORTH_PACKING) continue;
          const packings = { br: brotliCompressSync(source), gz: gzipSync(source, { level: 9 }) };
          for (const [ending, bytes] of Object.entries(packings))
            this.emitFile({ type: "asset", fileName: `${file.fileName}.${ending}`, source: bytes });
        }
      },
    },
  };
}

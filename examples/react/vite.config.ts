import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const api = process.env.STAGEFOLD_URL ?? "http://127.0.0.1:4000";

/** The page and the API share an address: what the page asks the API for is passed on. */
export default defineConfig({
  plugins: [react()],
  server: { host: "127.0.0.1", proxy: { "/trpc": api, "/artifacts": api } },
});

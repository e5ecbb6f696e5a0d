import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/app.tsx";
import { createServices } from "./app/services.ts";
import "./app/styles.css";

const root = document.getElementById("root");
if (!root) throw new Error("expected an element #root in index.html, found none");
createRoot(root).render(
  <StrictMode>
    <App services={createServices()} />
  </StrictMode>,
);

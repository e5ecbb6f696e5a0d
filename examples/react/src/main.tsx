import { StagefoldProvider } from "@stagefold/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";

const root = document.querySelector("#root");
if (!root) throw new Error("expected an element #root");
createRoot(root).render(
  <StrictMode>
    <StagefoldProvider url={location.origin}>
      <App />
    </StagefoldProvider>
  </StrictMode>,
);

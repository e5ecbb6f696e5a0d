import { CSPProvider } from "@base-ui/react/csp-provider";
import { Tooltip } from "@base-ui/react/tooltip";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useState } from "react";
import { ToastProvider } from "../components/ui/toast.tsx";
import { SignInGate } from "../features/sign-in/gate.tsx";
import { useDocumentLang } from "../i18n/lang.ts";
import { ApiContext } from "../lib/api.ts";
import { useDocumentTheme } from "../lib/theme.ts";
import { LiveProvider } from "../live/live-provider.tsx";
import { createAppRouter } from "./router.tsx";
import type { Services } from "./services.ts";

export function App({ services }: { services: Services }) {
  const { api, queries, live } = services;
  const [router] = useState(createAppRouter);
  useDocumentLang();
  useDocumentTheme();
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <ApiContext value={api}>
          <SignInGate>
            <LiveProvider live={live}>
              <Tooltip.Provider delay={400}>
                <ToastProvider>
                  <RouterProvider router={router} />
                </ToastProvider>
              </Tooltip.Provider>
            </LiveProvider>
          </SignInGate>
        </ApiContext>
      </QueryClientProvider>
    </CSPProvider>
  );
}

import { CSPProvider } from "@base-ui/react/csp-provider";
import { Tooltip } from "@base-ui/react/tooltip";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { SignInGate } from "../features/sign-in/gate.tsx";
import { useDocumentLang } from "../i18n/lang.ts";
import { ApiContext } from "../lib/api.ts";
import { BASE } from "../lib/base.ts";
import { useDocumentTheme } from "../lib/theme.ts";
import { LiveProvider } from "../live/live-provider.tsx";
import { createAppRouter } from "./router.tsx";
import type { Services } from "./services.ts";

const AnswerLinkPage = lazy(async () => ({
  default: (await import("../features/answer-link/page.tsx")).AnswerLinkPage,
}));

const ToastArea = lazy(async () => ({
  default: (await import("../components/ui/toast-area.tsx")).ToastArea,
}));

export function App({ services }: { services: Services }) {
  const { api, queries, live } = services;
  const [router] = useState(createAppRouter);
  useDocumentLang();
  useDocumentTheme();
  // Its readers need not sign in, and see no other page.
  const isAnswerLink = window.location.pathname.replace(/\/$/, "") === `${BASE}/answer`;
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <ApiContext value={api}>
          {isAnswerLink ? (
            <Suspense>
              <AnswerLinkPage />
            </Suspense>
          ) : (
            <SignInGate>
              <LiveProvider live={live}>
                <Tooltip.Provider delay={400}>
                  <RouterProvider router={router} />
                  <Suspense>
                    <ToastArea />
                  </Suspense>
                </Tooltip.Provider>
              </LiveProvider>
            </SignInGate>
          )}
        </ApiContext>
      </QueryClientProvider>
    </CSPProvider>
  );
}

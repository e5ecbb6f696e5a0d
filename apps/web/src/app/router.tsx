import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { ErrorState } from "../components/ui/error-state.tsx";
import { BuildsPage } from "../features/builds/page.tsx";
import { readSearch } from "../features/builds/search.ts";
import { BASE } from "../lib/base.ts";
import { NotFound } from "./not-found.tsx";
import { Shell } from "./shell.tsx";

const rootRoute = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: PageError,
});

const buildsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  validateSearch: readSearch,
  component: BuildsPage,
});

const buildRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/builds/$projectId",
  validateSearch: (search: Record<string, unknown>) => search,
  component: lazyRouteComponent(() => import("../features/build/page.tsx"), "BuildPage"),
});

const newRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/new",
  validateSearch: (search: Record<string, unknown>) => search,
  component: lazyRouteComponent(() => import("../features/new-build/page.tsx"), "NewBuildPage"),
});

const statisticsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/statistics",
  validateSearch: (search: Record<string, unknown>) => search,
  component: lazyRouteComponent(() => import("../features/statistics/page.tsx"), "StatisticsPage"),
});

const agentsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/agents",
  validateSearch: (search: Record<string, unknown>) => search,
  component: lazyRouteComponent(() => import("../features/agents/list-page.tsx"), "AgentsPage"),
});

const agentRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/agents/$agentId",
  component: lazyRouteComponent(() => import("../features/agents/agent-page.tsx"), "AgentPage"),
});

const callsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/agents/$agentId/calls",
  validateSearch: (search: Record<string, unknown>) => search,
  component: lazyRouteComponent(() => import("../features/agents/calls-page.tsx"), "CallsPage"),
});

const callRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/calls/$invocationId",
  component: lazyRouteComponent(() => import("../features/agents/call-page.tsx"), "CallPage"),
});

const talkRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/talk/$sessionId",
  component: lazyRouteComponent(() => import("../features/talk/page.tsx"), "TalkPage"),
});

const keysRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/keys",
  component: lazyRouteComponent(() => import("../features/access/keys-page.tsx"), "KeysPage"),
});

const auditRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/audit",
  component: lazyRouteComponent(() => import("../features/access/audit-page.tsx"), "AuditPage"),
});

const pipelinesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/pipelines",
  component: lazyRouteComponent(() => import("../features/pipelines/page.tsx"), "PipelinesPage"),
});

const compareRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/compare",
  validateSearch: (search: Record<string, unknown>) => search,
  component: lazyRouteComponent(() => import("../features/compare/page.tsx"), "ComparePage"),
});

const workersRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/workers",
  component: lazyRouteComponent(() => import("../features/workers/page.tsx"), "WorkersPage"),
});

const schedulesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/schedules",
  validateSearch: (search: Record<string, unknown>) => search,
  component: lazyRouteComponent(() => import("../features/schedules/page.tsx"), "SchedulesPage"),
});

const webhooksRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/webhooks",
  component: lazyRouteComponent(() => import("../features/webhooks/page.tsx"), "WebhooksPage"),
});

const webhookRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/webhooks/$webhookId",
  component: lazyRouteComponent(() => import("../features/webhooks/webhook-page.tsx"), "WebhookPage"),
});

const routeTree = rootRoute.addChildren([
  buildsRoute,
  buildRoute,
  newRoute,
  statisticsRoute,
  agentsRoute,
  agentRoute,
  callsRoute,
  callRoute,
  talkRoute,
  pipelinesRoute,
  compareRoute,
  workersRoute,
  schedulesRoute,
  webhooksRoute,
  webhookRoute,
  keysRoute,
  auditRoute,
]);

export function createAppRouter() {
  return createRouter({
    routeTree,
    basepath: BASE,
    defaultPreload: "intent",
    defaultErrorComponent: PageError,
    defaultNotFoundComponent: NotFound,
    scrollRestoration: false,
  });
}

function PageError({ error, reset }: ErrorComponentProps) {
  return <ErrorState error={error} onRetry={reset} />;
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}

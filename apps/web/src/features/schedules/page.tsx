import { useInfiniteQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { CalendarClock, Plus } from "lucide-react";
import { useState } from "react";
import { PageScroll } from "../../components/page-scroll.tsx";
import { Button } from "../../components/ui/button.tsx";
import { Confirm, Dialog } from "../../components/ui/dialog.tsx";
import { EmptyState } from "../../components/ui/empty-state.tsx";
import { ErrorState } from "../../components/ui/error-state.tsx";
import { PageHead } from "../../components/ui/page-head.tsx";
import { Skeleton } from "../../components/ui/skeleton.tsx";
import { common } from "../../i18n/common.ts";
import { useMessages } from "../../i18n/lang.ts";
import { schedulesQuery, useApi } from "../../lib/api.ts";
import { usePageTitle } from "../../lib/page-title.ts";
import { messages } from "./messages.ts";
import { ScheduleCard } from "./schedule-card.tsx";
import { ScheduleForm } from "./schedule-form.tsx";
import { type Schedule, useScheduleAction } from "./use-schedules.ts";

/** What starts by itself: when it comes next, how it went last, and all that can be done about it. */
export function SchedulesPage() {
  const t = useMessages(messages);
  const c = useMessages(common);
  const search: Readonly<Record<string, unknown>> = useSearch({ strict: false });
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    schedulesQuery(useApi()),
  );
  const schedules = data?.pages.flatMap(({ items }) => items) ?? [];
  // `/schedules?new=true` begins with the form.
  const [edited, setEdited] = useState<Schedule | "new" | undefined>(search.new === true ? "new" : undefined);
  const [deleted, setDeleted] = useState<Schedule>();
  const change = useScheduleAction();
  usePageTitle(t.title);
  const create = (
    <Button look="primary" onClick={() => setEdited("new")}>
      <Plus aria-hidden className="size-4" />
      {t.create}
    </Button>
  );
  return (
    <PageScroll>
      <PageHead action={schedules.length > 0 && create} intro={t.intro} title={t.title} />
      {error && !data && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Skeleton className="h-64 rounded-xl" />}
      {data && schedules.length === 0 && (
        <EmptyState action={create} icon={CalendarClock} title={t.none}>
          {t.noneText}
        </EmptyState>
      )}
      <ul className="grid grid-cols-1 gap-3">
        {schedules.map((schedule) => (
          <li key={schedule.schedule_id}>
            <ScheduleCard
              disabled={change.isPending}
              onAct={(action) =>
                action === "delete"
                  ? setDeleted(schedule)
                  : change.mutate({ action, schedule_id: schedule.schedule_id })
              }
              onEdit={() => setEdited(schedule)}
              schedule={schedule}
            />
          </li>
        ))}
      </ul>
      {hasNextPage && (
        <div className="mt-4 text-center">
          <Button disabled={isFetchingNextPage} focusableWhenDisabled onClick={() => void fetchNextPage()}>
            {c.more}
          </Button>
        </div>
      )}
      <Dialog
        onOpenChange={(open) => !open && setEdited(undefined)}
        open={edited !== undefined}
        title={edited === "new" || edited === undefined ? t.create : t.editOf(edited.name)}
        wide
      >
        <ScheduleForm onDone={() => setEdited(undefined)} schedule={edited === "new" ? undefined : edited} />
      </Dialog>
      <Confirm
        action={c.delete}
        description={t.deleteText}
        onConfirm={() => deleted && change.mutate({ action: "delete", schedule_id: deleted.schedule_id })}
        onOpenChange={(open) => !open && setDeleted(undefined)}
        open={deleted !== undefined}
        title={t.deleteTitle(deleted?.name ?? "")}
      />
    </PageScroll>
  );
}

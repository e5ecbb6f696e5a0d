import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { toast } from "../../components/ui/toast.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useMessages } from "../../i18n/lang.ts";
import { conversationQuery, type Turn, turnsQuery, useApi } from "../../lib/api.ts";
import { codeOf, mayPass } from "../../lib/errors.ts";
import { newId } from "../../lib/new-id.ts";
import type { Question } from "./composer.tsx";
import { messages } from "./messages.ts";
import { useLiveTurn } from "./use-live-turn.ts";

/** A lost answer is asked for again under the same key: the question is taken once. */
const REPEAT = { retry: (count: number, error: unknown) => count < 2 && mayPass(error) };

/** A conversation: its turns in their order, the one that is being answered among them, and what can be done. */
export function useTalk(session_id: string) {
  const t = useMessages(messages);
  const api = useApi();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const head = useQuery(conversationQuery(api, session_id));
  const list = useInfiniteQuery(turnsQuery(api, session_id));
  const known = useMemo(
    () => (list.data?.pages.flatMap(({ items }) => items) ?? []).toReversed(),
    [list.data],
  );
  const [sent, setSent] = useState<number>();
  const newest = known.at(-1);
  const running = [sent, newest?.turn].find((number) => {
    const turn = known.find((one) => one.turn === number);
    return number !== undefined && (turn === undefined || turn.status === "running");
  });
  const live = useLiveTurn(session_id, running);
  const turns = withLive(known, live.turn);
  const key = useRef({ of: "", key: "" });
  const fail = (error: unknown) => {
    toast.fail(t.failed, textOf(error));
    // Another person or tab was faster: read what happened.
    if (codeOf(error) === "SESSION_BUSY" || codeOf(error) === "SESSION_CONFLICT") void list.refetch();
  };
  const send = useMutation({
    ...REPEAT,
    mutationFn: async ({ text, files }: Question) => {
      const of = JSON.stringify([text, files.map(({ name, size }) => [name, size])]);
      if (key.current.of !== of) key.current = { of, key: newId() };
      return api.turns.send({
        session_id,
        text,
        ...(files.length > 0 && { files: await Promise.all(files.map(fileInput)) }),
        message_key: key.current.key,
        caller: "web",
      });
    },
    onSuccess: ({ turn }) => {
      key.current = { of: "", key: "" };
      setSent(turn);
    },
    onError: fail,
  });
  const stop = useMutation({
    ...REPEAT,
    mutationFn: (turn: number) => api.turns.stop({ session_id, turn }),
    onError: fail,
  });
  const retry = useMutation({
    ...REPEAT,
    mutationFn: ({ turn, message_key }: { turn: number; message_key: string }) =>
      api.turns.retry({ session_id, turn, message_key, caller: "web" }),
    onSuccess: ({ turn }) => setSent(turn),
    onError: fail,
  });
  const isRunning = running !== undefined && live.turn?.status !== "completed" && !hasEnded(live.turn);
  return {
    head,
    list,
    turns,
    running: isRunning,
    /** Why the answer cannot be read, and a way to try again. */
    error: live.error,
    again: live.again,
    /** Resolves with whether the question was taken. */
    send: (question: Question) =>
      send.mutateAsync(question).then(
        () => true,
        () => false,
      ),
    stop: () => running !== undefined && stop.mutate(running),
    /** A second click is no second question. */
    retry: (turn: number) => !retry.isPending && retry.mutate({ turn, message_key: newId() }),
    refresh: () => queries.invalidateQueries({ queryKey: ["turns", session_id] }),
  };
}

function hasEnded(turn: Turn | undefined): boolean {
  return turn !== undefined && turn.status !== "running";
}

/** The turns with the one that is answered as far as its stream is; what has been read as ended stays so. */
function withLive(known: readonly Turn[], live: Turn | undefined): readonly Turn[] {
  if (!live) return known;
  const at = known.findIndex(({ turn }) => turn === live.turn);
  if (at < 0) return [...known, live];
  return known[at]?.status === "running" ? known.with(at, live) : known;
}

async function fileInput(file: File) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000)
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  const type = /^[\w.+-]+\/[\w.+-]+$/.test(file.type) ? file.type : undefined;
  return { name: file.name, ...(type !== undefined && { media_type: type }), base64: btoa(binary) };
}

import { foldTurn } from "@stagefold/client";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type Turn, useApi } from "../../lib/api.ts";

/** What comes faster than this is drawn together. Milliseconds. */
const DRAW_MS = 50;

export interface LiveTurn {
  readonly turn: Turn | undefined;
  /** Why its stream cannot be read. */
  readonly error: unknown;
  /** Reads its stream again. */
  readonly again: () => void;
}

/** A turn as it is answered, from what there is of it to its end. Nothing without a number. */
export function useLiveTurn(session_id: string, number: number | undefined): LiveTurn {
  const api = useApi();
  const queries = useQueryClient();
  const [live, setLive] = useState<Omit<LiveTurn, "again"> & { of: string }>();
  const [round, setRound] = useState(0);
  const of = `${session_id} ${number}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another round is the occasion to read again
  useEffect(() => {
    if (number === undefined) return;
    const ending = new AbortController();
    const { signal } = ending;
    let turn: Turn | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      timer = undefined;
      if (!signal.aborted) setLive({ turn, error: undefined, of: `${session_id} ${number}` });
    };
    const follow = async () => {
      for await (const event of api.turns.watch({ session_id, turn: number }, { signal, patient: true })) {
        turn = foldTurn(turn, event);
        if (event.event === "end") break;
        timer ??= setTimeout(draw, DRAW_MS);
      }
      clearTimeout(timer);
      draw();
      if (signal.aborted) return;
      await queries.invalidateQueries({ queryKey: ["turns", session_id] });
      void queries.invalidateQueries({ queryKey: ["conversation", session_id] });
      void queries.invalidateQueries({ queryKey: ["conversations"] });
    };
    follow().catch((error: unknown) => {
      if (!signal.aborted) setLive({ turn, error, of: `${session_id} ${number}` });
    });
    return () => {
      ending.abort();
      clearTimeout(timer);
    };
  }, [api, queries, session_id, number, round]);
  const again = () => {
    setLive(live && { ...live, error: undefined });
    setRound(round + 1);
  };
  return live?.of === of ? { ...live, again } : { turn: undefined, error: undefined, again };
}

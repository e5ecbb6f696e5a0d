import { useState } from "react";
import { toast } from "../../components/ui/toast.ts";
import { useErrorText } from "../../i18n/errors.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { useApi } from "../../lib/api.ts";
import { formatBytes } from "../../lib/format.ts";
import { saveBlob } from "../../lib/save.ts";
import { messages } from "./messages.ts";
import type { Artifact } from "./model/artifact.ts";
import { storedBytesOf } from "./model/artifact.ts";

/** An archive is made in the memory of the page. Bytes. */
const MAX_BYTES = 512 * 1024 * 1024;

/** Packs all files into one archive and hands it to the reader; `done` counts the files while it does. */
export function useDownloadAll(artifacts: readonly Artifact[], name: string) {
  const t = useMessages(messages);
  const lang = useLang();
  const api = useApi();
  const errorText = useErrorText();
  const [done, setDone] = useState<number>();
  const pack = async () => {
    const { archivePaths, zipOf } = await import("./model/zip.ts");
    let elsewhere = 0;
    const entries = [...archivePaths(artifacts)].map(([artifact, path]) => ({
      path,
      executable: artifact.executable,
      mode: artifact.mode,
      bytes: async () => {
        const bytes = await storedBytesOf(api, artifact);
        if (!bytes) elsewhere += 1;
        return bytes;
      },
    }));
    const archive = await zipOf(entries, setDone);
    if (elsewhere < artifacts.length) saveBlob(archive, `${name}.zip`);
    if (elsewhere > 0) toast.say(t.leftOut(elsewhere), t.keptElsewhere);
  };
  const start = async () => {
    const size = artifacts.reduce((sum, artifact) => sum + (artifact.size ?? 0), 0);
    if (size > MAX_BYTES) {
      toast.fail(t.packFailed, t.tooMuch(formatBytes(size, lang)));
      return;
    }
    setDone(0);
    try {
      await pack();
    } catch (error) {
      toast.fail(t.packFailed, errorText(error));
    } finally {
      setDone(undefined);
    }
  };
  return { done, start };
}

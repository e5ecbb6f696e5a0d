import { useState } from "react";
import { useToast } from "../../components/ui/toast.tsx";
import { useErrorText } from "../../i18n/errors.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { formatBytes } from "../../lib/format.ts";
import { messages } from "./messages.ts";
import type { Artifact } from "./model/artifact.ts";
import { bytesOf } from "./model/bytes.ts";
import { saveBlob } from "./model/save.ts";

/** An archive is made in the memory of the page. Bytes. */
const MOST_BYTES = 512 * 1024 * 1024;

/** Packs all files into one archive and hands it to the reader; `done` counts the files while it does. */
export function useDownloadAll(artifacts: readonly Artifact[], name: string) {
  const t = useMessages(messages);
  const lang = useLang();
  const toast = useToast();
  const errorText = useErrorText();
  const [done, setDone] = useState<number>();
  const pack = async () => {
    const { archivePaths, zipOf } = await import("./model/zip.ts");
    const entries = [...archivePaths(artifacts)].map(([artifact, path]) => ({
      path,
      bytes: () => bytesOf(artifact),
    }));
    saveBlob(await zipOf(entries, setDone), `${name}.zip`);
  };
  const start = async () => {
    const size = artifacts.reduce((sum, artifact) => sum + (artifact.size ?? 0), 0);
    if (size > MOST_BYTES) {
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

// What other features use of this one.
export { ArtifactsView } from "./artifacts-view.tsx";
export { type Artifact, artifactUrl } from "./model/artifact.ts";
export { textOf } from "./model/preview.ts";
export { useBytes } from "./preview/use-bytes.ts";
export { StageArtifacts } from "./stage-artifacts.tsx";
export { useArtifacts } from "./use-artifacts.ts";
export { useDownloadAll } from "./use-download-all.ts";

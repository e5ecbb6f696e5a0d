import type { Lang } from "../../../i18n/define-messages.ts";
import type { Project } from "../../../lib/api.ts";

export type FailureCode = NonNullable<Project["error_info"]>["code"];

interface Advice {
  /** What happened, in a few words. */
  readonly title: string;
  /** What the reader can do about it. */
  readonly next: string;
}

/** What each way to fail means, and what to do next. */
export const ADVICE: Readonly<Record<Lang, Readonly<Record<FailureCode, Advice>>>> = {
  en: {
    STAGE_FAILED: {
      title: "The stage ended with an error",
      next: "The end of its log says why. When the cause is fixed, retry: the stages before it keep their results.",
    },
    STAGE_TIMEOUT: {
      title: "The stage took longer than it may",
      next: "See where its log stops. Retry if the cause was passing; else give the stage more timeout_seconds in the pipeline.",
    },
    STAGE_STALLED: {
      title: "Three workers in a row died while this stage ran",
      next: "It may need more memory than the machine has, or end its process. The workers' own logs say more. Retry when that is fixed.",
    },
    WORKER_LOST: {
      title: "The worker that ran the stage is gone",
      next: "Nothing is wrong with the build itself. Retry when a worker runs again.",
    },
    OUTPUT_INVALID: {
      title: "What the stage returned does not fit its schema",
      next: "Running it again gives the same. Fix the stage or its output schema, then retry.",
    },
    PIPELINE_CHANGED: {
      title: "The pipeline's stages have changed since this build started",
      next: "Retry and choose a pipeline that has these stages, or start a new build with the pipeline as it is now.",
    },
    ITEM_FULL: {
      title: "The build has become too large for its item",
      next: "Let the stage put large results into artifacts instead of its output, then retry.",
    },
    BUDGET_EXCEEDED: {
      title: "The build has used up its budget",
      next: "What it made so far is kept. Retry with higher limits to let it continue.",
    },
    GATE_EXPIRED: {
      title: "No answer in time",
      next: "Retry: the question is asked again, and the stages before it keep their results.",
    },
    GATE_REFUSED: {
      title: "The answer was no",
      next: "Retry from an earlier stage when what was refused has changed.",
    },
  },
  zh: {
    STAGE_FAILED: {
      title: "阶段以错误结束",
      next: "日志末尾说明了原因。排除原因后重试：之前阶段的结果会保留。",
    },
    STAGE_TIMEOUT: {
      title: "阶段超出时间限制",
      next: "查看日志停在哪里。若原因是暂时的，直接重试；否则在流水线中调大该阶段的 timeout_seconds。",
    },
    STAGE_STALLED: {
      title: "运行此阶段时连续三个工作进程中断",
      next: "可能内存不足，或阶段结束了自己的进程。请查看工作进程的日志，解决后重试。",
    },
    WORKER_LOST: {
      title: "运行此阶段的工作进程已丢失",
      next: "构建本身没有问题。有工作进程运行后重试即可。",
    },
    OUTPUT_INVALID: {
      title: "阶段返回的内容不符合其模式",
      next: "重新运行结果相同。请修正阶段或其输出模式，然后重试。",
    },
    PIPELINE_CHANGED: {
      title: "构建开始后流水线的阶段已更改",
      next: "重试时选择含有这些阶段的流水线，或用当前流水线新建构建。",
    },
    ITEM_FULL: { title: "构建数据超出大小限制", next: "让阶段把较大的结果存为产物而不是输出，然后重试。" },
    BUDGET_EXCEEDED: { title: "构建已用完预算", next: "已有的结果会保留。提高限额后重试即可继续。" },
    GATE_EXPIRED: { title: "没有人及时答复", next: "重试：问题会再次提出，之前阶段的结果会保留。" },
    GATE_REFUSED: { title: "答复为拒绝", next: "修改被拒绝的内容后，从更早的阶段重试。" },
  },
};

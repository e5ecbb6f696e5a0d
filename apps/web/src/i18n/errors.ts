import type { ErrorCode } from "@stagefold/client";
import { codeOf, isApiError } from "../lib/errors.ts";
import { defineMessages, type Lang } from "./define-messages.ts";
import { useLang } from "./lang.ts";

export const errorMessages = defineMessages({
  en: {
    notFound: "Not found",
    noId: "There is nothing at this address.",
    forbidden: "Not allowed",
    offline: "No connection",
    failed: "That did not work",
  },
  zh: {
    notFound: "未找到",
    noId: "此地址没有内容。",
    forbidden: "无权访问",
    offline: "无法连接",
    failed: "操作失败",
  },
});

/** What each refusal means to a reader; null where the API's own sentence says it best. */
const TEXTS: Record<Lang, Record<ErrorCode, string | null> & { noAnswer: string; page: string }> = {
  en: {
    INVALID_INPUT: null,
    UNAUTHENTICATED: "You need to sign in.",
    FORBIDDEN: "You may not see or change this.",
    PROJECT_NOT_FOUND: "There is no such build. It may have been deleted.",
    STAGE_NOT_FOUND: "This build has no such stage.",
    ARTIFACT_NOT_FOUND: "There is no such artifact.",
    PIPELINE_NOT_FOUND: "There is no such pipeline.",
    PIPELINE_CHANGED: "The pipeline does not have the stages of this build.",
    PROJECT_CONFLICT: "The build has moved on meanwhile, so this is no longer possible.",
    STAGE_CONFLICT: "The stage has moved on meanwhile, so this is no longer possible.",
    LEASE_LOST: "Another worker has taken this build over.",
    SNAPSHOT_TOO_LARGE: "The build would grow too large for its item.",
    SNAPSHOT_UNREADABLE: "The stored build cannot be read. It can only be deleted.",
    IDEMPOTENCY_MISMATCH: "This was sent before, with other content.",
    AGENT_NOT_FOUND: "There is no such agent. It may have been deleted.",
    AGENT_DISABLED: "This agent is switched off.",
    AGENT_IN_USE: "An agent needs the files of this build.",
    SESSION_NOT_FOUND: "There is no such conversation. It may have been deleted.",
    SESSION_BUSY: "The agent is still answering. Wait for its answer, or stop it.",
    SESSION_CONFLICT: "The conversation has moved on meanwhile.",
    TURN_NOT_FOUND: "There is no such answer.",
    MODEL_NOT_CONFIGURED: "This agent needs a language model, and none is set up.",
    SCHEDULE_NOT_FOUND: "This schedule does not exist any more.",
    WEBHOOK_NOT_FOUND: "This webhook does not exist any more.",
    PAYLOAD_TOO_LARGE: "That is too much to send at once.",
    RATE_LIMITED: "Too many requests. Try again shortly.",
    STORE_UNAVAILABLE: "The table does not answer. Try again shortly.",
    INTERNAL: "The server made a mistake. Its log has the details.",
    noAnswer: "The server does not answer. This page tries again by itself.",
    page: "The page made a mistake. Loading it again may help.",
  },
  zh: {
    INVALID_INPUT: null,
    UNAUTHENTICATED: "需要先登录。",
    FORBIDDEN: "您无权查看或更改此内容。",
    PROJECT_NOT_FOUND: "没有这个构建，可能已被删除。",
    STAGE_NOT_FOUND: "此构建没有这个阶段。",
    ARTIFACT_NOT_FOUND: "没有这个产物。",
    PIPELINE_NOT_FOUND: "没有这个流水线。",
    PIPELINE_CHANGED: "该流水线的阶段与此构建不同。",
    PROJECT_CONFLICT: "构建状态已变化，此操作不再可行。",
    STAGE_CONFLICT: "阶段状态已变化，此操作不再可行。",
    LEASE_LOST: "另一个工作进程已接管此构建。",
    SNAPSHOT_TOO_LARGE: "构建数据将超出大小限制。",
    SNAPSHOT_UNREADABLE: "存储的构建无法读取，只能删除。",
    IDEMPOTENCY_MISMATCH: "此请求之前已用不同内容发送过。",
    AGENT_NOT_FOUND: "没有这个智能体，可能已被删除。",
    AGENT_DISABLED: "该智能体已停用。",
    AGENT_IN_USE: "有智能体正在使用此构建的文件。",
    SESSION_NOT_FOUND: "没有这个会话，可能已被删除。",
    SESSION_BUSY: "智能体仍在回答，请等待或停止它。",
    SESSION_CONFLICT: "会话已有新的进展。",
    TURN_NOT_FOUND: "没有这条回答。",
    MODEL_NOT_CONFIGURED: "该智能体需要语言模型，但尚未配置。",
    SCHEDULE_NOT_FOUND: "该定时任务已不存在。",
    WEBHOOK_NOT_FOUND: "该 Webhook 已不存在。",
    PAYLOAD_TOO_LARGE: "一次发送的内容过多。",
    RATE_LIMITED: "请求过多，请稍后再试。",
    STORE_UNAVAILABLE: "数据表没有响应，请稍后再试。",
    INTERNAL: "服务器出错，详情见其日志。",
    noAnswer: "服务器没有响应，页面会自动重试。",
    page: "页面出错，重新加载可能有帮助。",
  },
};

export function errorText(error: unknown, lang: Lang): string {
  const texts = TEXTS[lang];
  const code = codeOf(error);
  if (code !== undefined) return texts[code] ?? (error instanceof Error ? error.message : code);
  return isApiError(error) ? texts.noAnswer : texts.page;
}

/** Any error as a sentence for the reader. */
export function useErrorText(): (error: unknown) => string {
  const lang = useLang();
  return (error) => errorText(error, lang);
}

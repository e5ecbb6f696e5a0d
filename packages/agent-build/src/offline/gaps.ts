import type { Texts } from "../documents.ts";
import type { Capability } from "./catalogue-entry.ts";
import type { GapReason } from "./gap-row.ts";
import { knowledgeGaps } from "./gaps-knowledge.ts";
import { systemGaps } from "./gaps-systems.ts";

export interface Gap extends Capability {
  readonly reason: GapReason;
}

export const gapReasons: Readonly<Record<GapReason | "not_understood", Texts>> = {
  live_data: {
    en: "needs a live data source, which offline tools do not have",
    zh: "需要实时数据源，离线工具无法提供",
  },
  language_model: { en: "needs a language model to write or judge", zh: "需要语言模型来撰写或判断" },
  file_format: { en: "needs a library for this file format", zh: "需要该文件格式的专用库" },
  media: { en: "needs a model or library for images, sound or video", zh: "需要图像、音频或视频的模型或库" },
  service: { en: "needs an external service or a server that keeps running", zh: "需要外部服务或常驻服务器" },
  state: { en: "needs data kept between runs", zh: "需要在多次运行之间保存数据" },
  promise: { en: "is a quality that offline tools cannot promise", zh: "属于离线工具无法保证的质量要求" },
  not_understood: { en: "matched nothing in the catalogue", zh: "目录中没有匹配的能力" },
};

/** Capabilities that requirements often ask for and no offline tool has. */
export const gaps: readonly Gap[] = [...knowledgeGaps, ...systemGaps].map(
  ([key, slug, reason, en, zh, wordsEn, wordsZh]) => ({
    key,
    slug,
    reason,
    name: { en, zh },
    keywords: { en: wordsEn.split("|"), zh: wordsZh.split("|") },
  }),
);

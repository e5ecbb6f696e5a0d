// What other features use of this one.
export { ConversationLinks } from "./conversations.tsx";
export { TalkButton } from "./talk-button.tsx";
export { useStartTalk } from "./use-start-talk.ts";

/** Where the files of an agent lie, relative to the build's workspace. Part of the contract with other programs. */
export const documentPath = (agent: string, document: string): string => `docs/${agent}/${document}.json`;
export const promptPath = (agent: string): string =>
  `prompts/generated_agents_prompts/${agent}/${agent}.yaml`;
export const toolFolder = (agent: string): string => `tools/generated_tools/${agent}`;
export const toolPath = (agent: string, tool: string): string => `${toolFolder(agent)}/${tool}.mjs`;
export const agentFolder = (agent: string): string => `agents/generated_agents/${agent}`;
export const agentPath = (agent: string): string => `${agentFolder(agent)}/${agent}.mjs`;

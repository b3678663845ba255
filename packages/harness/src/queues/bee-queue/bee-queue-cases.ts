export const beeQueueCases = [];

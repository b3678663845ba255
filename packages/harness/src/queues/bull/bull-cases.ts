export const bullCases = [];

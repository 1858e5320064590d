/** What node:util's parseArgs found wrong, without its advice on how to pass an argument that begins with a dash. */
export function optionProblem(error: unknown): string {
  const [problem = ''] = error instanceof Error ? error.message.split('. To ') : [];
  return problem;
}

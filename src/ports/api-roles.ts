/** What somebody may do over the API; a key has one or several. */
export const kApiRoles = ['agent', 'supervisor', 'integrator', 'operator'] as const;
export type ApiRole = (typeof kApiRoles)[number];

/** What somebody may do over the API; a key has one or several. */
export const kApiRoles = ['agent', 'supervisor', 'integrator', 'operator', 'auditor'] as const;
export type ApiRole = (typeof kApiRoles)[number];

/** Who reads records and reports. An auditor does nothing else. */
export const kReaders = ['supervisor', 'integrator', 'operator', 'auditor'] as const;

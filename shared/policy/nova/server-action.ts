/** The path of an action of servers, with its name. */
export const action = (name: string) => `POST /servers/{server_id}/action (${name})` as const;

/** What Nova's rules of servers begin with. */
export const SERVERS = 'os_compute_api:servers';

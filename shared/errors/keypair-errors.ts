/**
 * Errors of keypairs, as the Compute API words them.
 */
export const keypairErrors = {
  keypair_not_found: {
    http_status: 404,
    message: 'Keypair {name} not found for user {user}',
    advice: 'List your keypairs with `openstack keypair list`.',
  },
  keypair_exists: {
    http_status: 409,
    message: "Key pair '{name}' already exists.",
    advice: 'Choose another name or delete the keypair first.',
  },
  keypair_invalid: {
    http_status: 400,
    message: 'Keypair data is invalid: {reason}',
    advice: 'Give an OpenSSH public key in one line.',
  },
  keypair_limit: {
    http_status: 403,
    message: 'Maximum number of key pairs exceeded',
    advice: 'Delete keypairs or ask for a larger quota of key_pairs.',
  },
} as const;

/** What a host's sshd must know to receive disks; the rest of its configuration is the site's. */
export interface SshdConfigOptions {
  readonly address: string;
  readonly port: number;
  readonly host_key_path: string;
  /** The file that the host's agent writes: `[mover] authorized_keys_path`. */
  readonly authorized_keys_path: string;
}

/**
 * Configuration of an sshd of its own for receiving disks, as private clusters and tests have one per host.
 * Only keys count, only forced commands run, and nothing slows a login down (no PAM, no DNS, one host key).
 * etc/sshd/drover.conf is the same for a host's ordinary sshd.
 */
export function renderSshdConfig(options: SshdConfigOptions): string {
  return [
    `ListenAddress ${options.address}:${options.port}`,
    `HostKey ${options.host_key_path}`,
    `AuthorizedKeysFile ${options.authorized_keys_path}`,
    'PidFile none',
    'UsePAM no',
    'UseDNS no',
    'StrictModes no',
    'AuthenticationMethods publickey',
    'PermitRootLogin forced-commands-only',
    'DisableForwarding yes',
    'PermitTTY no',
    'PermitUserRC no',
    'PrintMotd no',
    'PrintLastLog no',
    'LoginGraceTime 20',
    // Many migrations may begin at once: before they have logged in they all count.
    'MaxStartups 200:30:400',
    // A sender whose host is gone is noticed after 15 s.
    'ClientAliveInterval 5',
    'ClientAliveCountMax 3',
    'KexAlgorithms ecdh-sha2-nistp256,curve25519-sha256,curve25519-sha256@libssh.org',
    'Ciphers aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr',
    'Compression no',
    'LogLevel INFO',
    // A login shell that is bash reads ~/.bashrc even for a forced command, unless it thinks that it runs inside
    // another shell: that costs time, and whatever the file prints would break the conversation.
    'SetEnv SHLVL=1',
    '',
  ].join('\n');
}

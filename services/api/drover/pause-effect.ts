/**
 * What a pause or its end does, for the person who asked.
 * @param step where the migration is; null: nowhere yet
 */
export function pauseEffect(step: string | null, paused: boolean, had_running_guest: boolean): string {
  if (!paused) return 'It goes on.';
  switch (step) {
    case null:
    case 'choose':
    case 'turn':
      return 'It keeps its place and does not begin; the guest is untouched.';
    case 'admit-running':
    case 'precopy':
      return 'The copy stands still and keeps what it has; the guest runs on.';
    case 'stop':
    case 'admit-again':
    case 'copy':
      return had_running_guest
        ? 'The copy stands still and keeps what it has. The guest is off while it is paused: unpause the migration, or cancel it to have the guest back at the source.'
        : 'The copy stands still and keeps what it has. The guest was off before.';
    default:
      return 'It stands still before the guest is stopped; the guest is untouched.';
  }
}

/** So often the sender hears of work that has nothing to acknowledge: silence would be a stall. */
const SIGN_MILLISECONDS = 1000;

/** @returns what is to hear of each step of such work, and tells at most once a second */
export function signsOfLife(tell: () => void): () => void {
  let told_at = performance.now();
  return () => {
    if (performance.now() - told_at < SIGN_MILLISECONDS) return;
    told_at = performance.now();
    tell();
  };
}

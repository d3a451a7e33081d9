import type { ChoiceSettings } from './decision.ts';
import { seededRandom, shuffledPlaces } from './random.ts';

/** Parts are kept for the ten best hosts: enough to see why the first is first. */
export const hostsWithParts = 10;

/**
 * Which places of the order of weights become the choice and its alternates.
 *
 * Nova's rules (facts document, section 6.1, step 7): shuffle the hosts that tie for the best weight, if so
 * configured; draw one of the first `host_subset_size`; the rest keep their order.
 *
 * @param weighed how many hosts there are @param ties how many of them share the best weight
 * @returns at most `max_attempts` ranks, the choice first
 */
export function chooseRanks(
  weighed: number,
  ties: number,
  choice: ChoiceSettings,
  seed: string,
): readonly number[] {
  if (weighed === 0) return [];
  const random = seededRandom(seed);
  const subset = Math.max(1, Math.min(choice.host_subset_size, weighed));
  const attempts = Math.max(1, Math.min(choice.max_attempts, weighed));
  const needed = Math.min(weighed, Math.max(subset, attempts + 1));
  const shuffled = choice.shuffle_best_same_weighed_hosts ? shuffledPlaces(ties, random, needed) : [];
  const rankAt = (place: number): number => shuffled[place] ?? place;
  const drawn = subset === 1 ? 0 : random.below(subset);
  const ranks = [rankAt(drawn)];
  for (let place = 0; ranks.length < attempts; place += 1) if (place !== drawn) ranks.push(rankAt(place));
  return ranks;
}

/** Places in `weights` by weight, heaviest first, equal ones in their order. Cheap when few are needed. */
export function heaviest(weights: Float64Array, count: number): readonly number[] {
  const wanted = Math.min(count, weights.length);
  if (wanted > 64) {
    const all = Array.from(weights, (_, index) => index);
    return all
      .sort((left, right) => (weights[right] ?? 0) - (weights[left] ?? 0) || left - right)
      .slice(0, wanted);
  }
  const best: number[] = [];
  let bar = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < weights.length; index += 1) {
    const weight = weights[index] ?? 0;
    if (best.length === wanted && weight <= bar) continue;
    let place = best.length;
    while (place > 0 && (weights[best[place - 1] ?? 0] ?? 0) < weight) place -= 1;
    best.splice(place, 0, index);
    if (best.length > wanted) best.pop();
    if (best.length === wanted) bar = weights[best[wanted - 1] ?? 0] ?? 0;
  }
  return best;
}

/** The place in `weights` of one of the hosts that tie for the best weight. */
export function nthTied(weights: Float64Array, best: number, rank: number): number {
  let seen = 0;
  for (let index = 0; index < weights.length; index += 1) {
    if (weights[index] !== best) continue;
    if (seen === rank) return index;
    seen += 1;
  }
  throw new Error(`fewer than ${rank + 1} hosts have the weight ${best}`);
}

/**
 * How many share the best weight.
 * @param head places of the heaviest, as `heaviest` gives them: mostly they end below the best, and the others need no look
 */
export function countTies(weights: Float64Array, head: readonly number[]): number {
  const best = weights[head[0] ?? 0];
  const least = weights[head.at(-1) ?? 0];
  if (best !== least || head.length === weights.length)
    return head.filter((place) => weights[place] === best).length;
  let ties = 0;
  for (let index = 0; index < weights.length; index += 1) if (weights[index] === best) ties += 1;
  return ties;
}

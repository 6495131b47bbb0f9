//! Largest remainder: parts of a rounded whole that sum to it, each within one step of its exact share.

use std::cmp::Reverse;

use crate::exact::Exact;

/// Splits `whole` into parts in the order of `shares`, which are exact and name themselves.
///
/// - `whole` is the sum of the shares, rounded to `step`; a step is what is handed out at once, in whole units.
/// - Every share gets its floor; what is left goes, one step each, to the largest remainders, ties to the smaller name.
/// - Reading: a negative whole is the mirror of its positive counterpart, so that a month and its refund cancel line by
///   line.
#[must_use]
pub fn largest_remainder(whole: i128, step: i128, shares: &[(&str, Exact)]) -> Vec<i128> {
    if whole < 0 {
        let mirrored: Vec<(&str, Exact)> = shares.iter().map(|(name, share)| (*name, -share.clone())).collect();
        return largest_remainder(-whole, step, &mirrored).into_iter().map(|part| -part).collect();
    }
    let mut parts: Vec<i128> = shares.iter().map(|(_, share)| share.floor_to(step)).collect();
    let given: i128 = parts.iter().sum();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    let remainder = |at: &usize| shares[*at].1.clone() - &Exact::whole(parts[*at]);
    order.sort_by_cached_key(|at| (Reverse(remainder(at)), shares[*at].0.to_owned()));
    let steps = usize::try_from((whole - given) / step).unwrap_or_default();
    for at in order.into_iter().take(steps) {
        parts[at] += step;
    }
    parts
}

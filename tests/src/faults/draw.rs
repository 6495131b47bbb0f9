//! Drawing a sample that a seed repeats.

/// `how_many` of the items in an order drawn from the seed; all of them when there are no more.
pub fn draw<T>(seed: u64, how_many: usize, mut items: Vec<T>) -> Vec<T> {
    let mut state = seed;
    let mut drawn = Vec::new();
    while drawn.len() < how_many && !items.is_empty() {
        // SplitMix64 (Steele, Lea, Flood 2014): any seed will do.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let at = (mixed ^ (mixed >> 31)) % items.len() as u64;
        drawn.push(items.swap_remove(usize::try_from(at).expect("below a length")));
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_sample() {
        let items: Vec<u32> = (0..80).collect();
        let drawn = draw(7, 5, items.clone());
        assert_eq!(drawn, draw(7, 5, items.clone()));
        assert_ne!(drawn, draw(8, 5, items.clone()));
        let mut all = draw(7, 100, items.clone());
        all.sort_unstable();
        assert_eq!(all, items, "each once");
    }
}

//! Numbers that follow from a seed and nothing else.

/// A generator after Steele, Lea and Flood (`SplitMix64`): small, even, the same on every machine.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Returns the generator of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns a generator of its own for one purpose, so that what is drawn for one does not shift what is drawn for
    /// another.
    #[must_use]
    pub fn of(seed: u64, purpose: &str) -> Self {
        let mix = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        Self::new(purpose.bytes().fold(seed ^ 0xCBF2_9CE4_8422_2325, mix))
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`; zero where that is zero.
    pub fn below(&mut self, end: u32) -> u32 {
        let part = (self.next() >> 32) * u64::from(end);
        u32::try_from(part >> 32).unwrap_or_default()
    }

    /// Returns a number from `first` to `last`, both included.
    pub fn between(&mut self, first: u32, last: u32) -> u32 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// Says yes `percent` times in a hundred.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// Returns one of some things.
    ///
    /// # Panics
    /// Where there are none.
    pub fn one_of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        let count = u32::try_from(things.len()).expect("fewer things than that");
        &things[usize::try_from(self.below(count)).expect("an index")]
    }
}

//! Numbers that look random and are the same every time.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// A number below `n`, small ones far more often, as Zipf has it with an exponent of two thirds: the first tenth of
    /// them nearly half of the time.
    pub(crate) fn skewed(&mut self, n: u64) -> u64 {
        let u = (self.bits() >> 11) as f64 / (1u64 << 53) as f64;
        ((u * u * u * n as f64) as u64).min(n - 1)
    }

    /// True once in `n` times.
    pub(crate) fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// True in so many of all cases, from 0 to 1.
    pub(crate) fn chance(&mut self, of: f64) -> bool {
        ((self.bits() >> 11) as f64) < of * (1u64 << 53) as f64
    }

    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }

    /// One of several, the first ones far more often.
    pub(crate) fn pick_skewed<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.skewed(all.len() as u64) as usize]
    }
}

/// A number's fingerprint.
pub(crate) fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

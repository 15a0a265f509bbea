//! Asked names, found without looking at each.

/// The slots of asked names. Names are compared without regard to ASCII case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// By the lower bits of the names' hashes; a bucket may hold slots of other names.
    buckets: Vec<Vec<u16>>,
}

impl Names {
    /// The slots of these names.
    pub(crate) fn new<'n>(names: impl Iterator<Item = (u16, &'n str)>) -> Self {
        let names: Vec<_> = names.collect();
        let mut buckets = vec![Vec::new(); (names.len() * 4).next_power_of_two()];
        let mask = buckets.len() - 1;
        for (slot, name) in names {
            buckets[hash(name) as usize & mask].push(slot);
        }
        Names { buckets }
    }

    /// Slots among which are those of `name`.
    #[inline]
    pub(crate) fn bucket(&self, name: &str) -> &[u16] {
        match self.buckets.len() {
            // Nothing is asked of a default request.
            0 => &[],
            n => &self.buckets[hash(name) as usize & (n - 1)],
        }
    }
}

/// The same for names that differ in ASCII case alone.
#[inline]
fn hash(name: &str) -> u64 {
    let mix = |h: u64, b: &u8| (h ^ u64::from(*b | 0x20)).wrapping_mul(0x100_0000_01B3);
    let h = name.as_bytes().iter().fold(0xCBF2_9CE4_8422_2325, mix);
    h ^ (h >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        let asked = ["Image", "CommandLine", "image", "@time", "a_b"];
        let names = Names::new(asked.iter().enumerate().map(|(i, n)| (i as u16, *n)));
        for (slot, name) in asked.iter().enumerate() {
            assert!(names.bucket(&name.to_ascii_uppercase()).contains(&(slot as u16)), "{name}");
        }
        assert_eq!(names.bucket("IMAGE"), [0, 2]);
        assert!(Names::default().bucket("x").is_empty());
    }
}

//! Whole numbers, and pairs of numbers, under numbers.

/// Numbers of 64 bits, each once, numbered from 0 in order of appearance.
///
/// An open table: the place that a number's hash says, or the first free one behind it.
pub(super) struct Numbers {
    /// A number and its own, which is [`Self::FREE`] where there is none.
    places: Vec<(u64, u32)>,
    /// How far a hash is shifted to be a place.
    shift: u32,
    all: Vec<u64>,
    last: (u64, u32),
    /// The number of what is no value.
    null: Option<u32>,
}

impl Numbers {
    const FREE: u32 = u32::MAX;
    const FIRST: u32 = 10;

    pub(super) fn new() -> Self {
        let places = vec![(0, Self::FREE); 1 << Self::FIRST];
        Numbers { places, shift: 64 - Self::FIRST, all: Vec::new(), last: (0, Self::FREE), null: None }
    }

    fn place(&self, value: u64) -> usize {
        ((value ^ (value >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }

    /// The number of a value.
    #[inline]
    pub(super) fn number(&mut self, value: u64) -> u32 {
        // Times come in runs.
        if self.last.0 == value && self.last.1 != Self::FREE {
            return self.last.1;
        }
        let mask = self.places.len() - 1;
        let mut at = self.place(value);
        let number = loop {
            match self.places[at] {
                (_, Self::FREE) => break self.add(at, value),
                (there, number) if there == value => break number,
                _ => at = (at + 1) & mask,
            }
        };
        self.last = (value, number);
        number
    }

    fn add(&mut self, at: usize, value: u64) -> u32 {
        let number = self.all.len() as u32;
        self.all.push(value);
        self.places[at] = (value, number);
        if 2 * self.all.len() > self.places.len() {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        self.shift -= 1;
        self.places = vec![(0, Self::FREE); 2 * self.places.len()];
        let mask = self.places.len() - 1;
        for i in 0..self.all.len() {
            if self.null == Some(i as u32) {
                continue;
            }
            let value = self.all[i];
            let mut at = self.place(value);
            while self.places[at].1 != Self::FREE {
                at = (at + 1) & mask;
            }
            self.places[at] = (value, i as u32);
        }
    }

    /// The number of what is no value.
    pub(super) fn null(&mut self) -> u32 {
        *self.null.get_or_insert_with(|| {
            self.all.push(0);
            self.all.len() as u32 - 1
        })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Which of them is no value.
    pub(super) fn is_null(&self, number: u32) -> bool {
        self.null == Some(number)
    }

    /// The values in the order of their numbers.
    pub(super) fn all(&self) -> &[u64] {
        &self.all
    }

    /// How much memory they hold.
    pub(super) fn size(&self) -> usize {
        size_of::<(u64, u32)>() * self.places.len() + 8 * self.all.capacity()
    }
}

/// Pairs of numbers, each once.
#[derive(Default)]
pub(crate) struct Pairs {
    /// An open table, at most half full; [`Self::FREE`] where there is nothing.
    places: Vec<u64>,
    len: usize,
}

impl Pairs {
    /// No group has that number.
    const FREE: u64 = u64::MAX;

    fn place(&self, pair: u64) -> usize {
        let shift = 64 - self.places.len().trailing_zeros();
        ((pair ^ (pair >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> shift) as usize
    }

    /// Where a pair is, or the free place where it would be.
    #[inline]
    fn find(&self, pair: u64) -> Option<usize> {
        let mask = self.places.len().checked_sub(1)?;
        let mut at = self.place(pair);
        while self.places[at] != pair && self.places[at] != Self::FREE {
            at = (at + 1) & mask;
        }
        Some(at)
    }

    /// Adds a pair; whether it is new.
    #[inline]
    pub(crate) fn insert(&mut self, group: usize, value: u32) -> bool {
        let pair = (group as u64) << 32 | u64::from(value);
        match self.find(pair) {
            Some(at) if self.places[at] == pair => false,
            Some(at) if 2 * self.len < self.places.len() => {
                self.places[at] = pair;
                self.len += 1;
                true
            }
            _ => {
                self.grow();
                self.insert(group, value)
            }
        }
    }

    fn grow(&mut self) {
        let size = (2 * self.places.len()).max(64);
        let all = std::mem::replace(&mut self.places, vec![Self::FREE; size]);
        for pair in all.into_iter().filter(|p| *p != Self::FREE) {
            if let Some(at) = self.find(pair) {
                self.places[at] = pair;
            }
        }
    }

    /// Takes away the pairs of the groups before `end`, and lets the numbers of the others begin there; those that were
    /// taken away.
    pub(crate) fn split(&mut self, end: usize) -> Vec<u64> {
        let end = (end as u64) << 32;
        let all = std::mem::take(&mut self.places).into_iter().filter(|p| *p != Self::FREE);
        let (gone, kept): (Vec<u64>, Vec<u64>) = all.partition(|p| *p < end);
        self.len = 0;
        for pair in kept {
            let pair = pair - end;
            self.insert((pair >> 32) as usize, pair as u32);
        }
        gone
    }

    /// How much memory they hold.
    pub(crate) fn size(&self) -> usize {
        8 * self.places.capacity()
    }
}

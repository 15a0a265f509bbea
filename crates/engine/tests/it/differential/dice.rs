//! Choices, made by a row of bytes.

/// Gives choices until the bytes end, and then the first ones.
pub(super) struct Dice<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Dice<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Dice { bytes, at: 0 }
    }

    fn byte(&mut self) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.byte() % end.max(1)
    }

    /// Whether something happens that does so once in `n` times.
    pub(super) fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    /// One of several.
    pub(super) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

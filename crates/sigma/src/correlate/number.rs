//! The numbers that correlations compare.

use crate::tree::{CorrelationOrder, Order};

/// Whether the number is within all bounds. Without bounds, one is enough.
pub(super) fn within(number: f64, bounds: &[(CorrelationOrder, f64)]) -> bool {
    if bounds.is_empty() {
        return number >= 1.0;
    }
    bounds.iter().all(|(order, bound)| match order {
        CorrelationOrder::Equal => number == *bound,
        CorrelationOrder::Is(Order::NotEqual) => number != *bound,
        CorrelationOrder::Is(Order::Less) => number < *bound,
        CorrelationOrder::Is(Order::LessOrEqual) => number <= *bound,
        CorrelationOrder::Is(Order::Greater) => number > *bound,
        CorrelationOrder::Is(Order::GreaterOrEqual) => number >= *bound,
    })
}

/// Whether more can only help: nothing but lower bounds.
pub(super) fn only_lower(bounds: &[(CorrelationOrder, f64)]) -> bool {
    bounds.iter().all(|(order, _)| matches!(order, CorrelationOrder::Is(Order::Greater | Order::GreaterOrEqual)))
}

/// The percentile (0 to 100) of the values, between two of them in proportion: the 50th is the median, the mean of the
/// two in the middle where there are two.
pub(super) fn percentile(values: &mut [f64], percent: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let at = (percent / 100.0).clamp(0.0, 1.0) * last as f64;
    let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
    Some(low + (high - low) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        assert_eq!(percentile(&mut [4.0, 1.0, 3.0, 2.0], 50.0), Some(2.5));
        assert_eq!(percentile(&mut [3.0, 1.0, 2.0], 50.0), Some(2.0));
        assert_eq!(percentile(&mut [1.0, 2.0], 100.0), Some(2.0));
        assert_eq!(percentile(&mut [], 50.0), None);
    }
}

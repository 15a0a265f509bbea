//! Points for conditions, and what it takes to reach a number of them.

use crate::middle::{Condition, Order};

/// The condition under which the points compare so with `limit`; nothing where that is not said by which of the
/// conditions hold: there are too many, or points are taken away.
pub(crate) fn compares(lines: &[(Condition, f64)], order: Order, limit: f64) -> Option<Condition> {
    const MOST: usize = 10;
    if lines.len() > MOST || lines.iter().any(|(_, points)| *points < 0.0) {
        return None;
    }
    let enough = |sum: f64| match order {
        Order::Greater | Order::LessOrEqual => sum > limit,
        _ => sum >= limit,
    };
    if order == Order::NotEqual {
        return None;
    }
    // The least sets of lines that are enough: of a set that is, every larger one is too.
    let mut least: Vec<u32> = Vec::new();
    for set in 0u32..1 << lines.len() {
        let sum: f64 = lines.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, (_, p))| p).sum();
        if enough(sum) && !least.iter().any(|l| l & set == *l) {
            least.retain(|l| l & set != set);
            least.push(set);
        }
    }
    let all = |set: &u32| {
        let chosen = lines.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1);
        Condition::all(chosen.map(|(_, (c, _))| c.clone()).collect::<Vec<_>>())
    };
    let reached = Condition::any(least.iter().map(all).collect::<Vec<_>>());
    Some(if matches!(order, Order::Less | Order::LessOrEqual) { Condition::not(reached) } else { reached })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middle::{Field, Is};
    use parallax_diagnostics::Span;

    #[test]
    fn the_least_sets_that_are_enough() {
        let c = |n: &str| Condition::test(Field::whole(n), Is::Null, Span::at(0));
        let lines = [(c("a"), 2.0), (c("b"), 2.0), (c("c"), 1.0)];
        assert_eq!(compares(&lines, Order::Greater, 0.0), Some(Condition::any([c("a"), c("b"), c("c")])));
        let three = Condition::any([
            Condition::all([c("a"), c("b")]),
            Condition::all([c("a"), c("c")]),
            Condition::all([c("b"), c("c")]),
        ]);
        assert_eq!(compares(&lines, Order::GreaterOrEqual, 3.0), Some(three.clone()));
        assert_eq!(compares(&lines, Order::Less, 3.0), Some(Condition::not(three)));
        assert_eq!(compares(&lines, Order::GreaterOrEqual, 0.0), Some(Condition::Always(true)));
    }
}

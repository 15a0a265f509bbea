//! The differential test, with bytes that a generator chooses.

use crate::differential::{Seen, compare};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::RefCell;

#[test]
fn filtered_is_unfiltered() {
    let cases = std::env::var("PARALLAX_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let seed = std::env::var("PARALLAX_SEED").ok().and_then(|n| n.parse::<u8>().ok()).unwrap_or(1);
    let config = Config { cases, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]));
    let all = RefCell::new(Seen::default());
    let bytes = proptest::collection::vec(any::<u8>(), 1_200..2_400);
    let result = runner.run(&bytes, |bytes| {
        let seen = compare(&bytes).map_err(TestCaseError::fail)?;
        let mut all = all.borrow_mut();
        all.queries += seen.queries;
        all.rows += seen.rows;
        all.passed += seen.passed;
        all.stored += seen.stored;
        Ok(())
    });
    let all = all.into_inner();
    eprintln!(
        "{} queries, {} of them over stores, {} rows, {} events passed over",
        all.queries, all.stored, all.rows, all.passed
    );
    if let Err(e) = result {
        panic!("{e}");
    }
    assert!(all.queries > 50 && all.rows > 200 && all.passed > 300 && all.stored > 10, "{all:?}");
}

/// What a fuzzer found, once more: the bytes that it wrote to a file.
#[test]
fn a_case_of_a_file() {
    let Some(path) = std::env::var_os("PARALLAX_CASE") else {
        eprintln!("skipped: PARALLAX_CASE is not set");
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    if let Err(difference) = compare(&bytes) {
        panic!("{difference}");
    }
}

//! `welch_test`: how likely two samples' means differ as much by chance.

use super::beta::incomplete_beta;
use crate::udf::Functions;

pub(super) fn register(f: &mut Functions) {
    f.real("welch_test(real, real, real, real, real, real) real", |r| {
        let (mean1, variance1, count1) = (r.real(0)?, r.real(1)?, r.real(2)?);
        let (mean2, variance2, count2) = (r.real(3)?, r.real(4)?, r.real(5)?);
        let (a, b) = (variance1 / count1, variance2 / count2);
        let statistic = (mean1 - mean2) / (a + b).sqrt();
        let freedom = (a + b).powi(2) / (a * a / (count1 - 1.0) + b * b / (count2 - 1.0));
        let p = incomplete_beta(freedom / (freedom + statistic * statistic), freedom / 2.0, 0.5);
        Some(p).filter(|p| p.is_finite())
    });
}

//! `welch_test`: how likely two samples' means differ as much by chance.

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

/// The regularised incomplete beta function.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if !(0.0..=1.0).contains(&x) {
        return f64::NAN;
    }
    if x == 0.0 || x == 1.0 {
        return x;
    }
    let scale = (libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    // The fraction converges fast on its own side of the middle.
    if x < (a + 1.0) / (a + b + 2.0) {
        scale * fraction(x, a, b) / a
    } else {
        1.0 - scale * fraction(1.0 - x, b, a) / b
    }
}

/// Its continued fraction, by Lentz's method.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const STEPS: usize = 500;
    let least = |v: f64| if v.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { v };
    let (mut c, mut d) = (1.0, 1.0 / least(1.0 - (a + b) * x / (a + 1.0)));
    let mut h = d;
    for m in 1..STEPS {
        let m = m as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        for term in [even, odd] {
            d = 1.0 / least(1.0 + term * d);
            c = least(1.0 + term / c);
            h *= c * d;
        }
        if (c * d - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    h
}

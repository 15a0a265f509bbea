//! The beta distribution.

use crate::udf::{Functions, Row};

/// The largest parameter that the functions take (documented).
const MOST: f64 = 10_000.0;

pub(super) fn register(f: &mut Functions) {
    f.real("beta_cdf(real, real, real) real", |r| {
        let (x, a, b) = arguments(r)?;
        Some(if valid(a, b) { incomplete_beta(x, a, b) } else { f64::NAN })
    });
    f.real("beta_pdf(real, real, real) real", |r| {
        let (x, a, b) = arguments(r)?;
        if !valid(a, b) || !(0.0..=1.0).contains(&x) {
            return Some(f64::NAN);
        }
        Some((scale(a, b) + power(x, a - 1.0) + power(1.0 - x, b - 1.0)).exp())
    });
    // A probability that is none is null, a parameter that is none gives no number (documented by example).
    f.real("beta_inv(real, real, real) real", |r| {
        let (p, a, b) = arguments(r)?;
        if !(p > 0.0 && p <= 1.0) {
            return None;
        }
        Some(if valid(a, b) { quantile(p, a, b) } else { f64::NAN })
    });
}

fn arguments(r: &Row<'_>) -> Option<(f64, f64, f64)> {
    Some((r.real(0)?, r.real(1)?, r.real(2)?))
}

fn valid(a: f64, b: f64) -> bool {
    let inside = |v: f64| v > 0.0 && v <= MOST;
    inside(a) && inside(b)
}

/// The logarithm of one over the beta function.
fn scale(a: f64, b: f64) -> f64 {
    libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
}

/// The logarithm of a power; nothing to the power of nothing is one.
fn power(base: f64, exponent: f64) -> f64 {
    if exponent == 0.0 { 0.0 } else { exponent * base.ln() }
}

/// The value whose cumulative probability is `p`: halving the interval until no number lies within it.
fn quantile(p: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return high;
        }
        if incomplete_beta(middle, a, b) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// The regularised incomplete beta function.
pub(super) fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if !(0.0..=1.0).contains(&x) {
        return f64::NAN;
    }
    if x == 0.0 || x == 1.0 {
        return x;
    }
    let scale = (scale(a, b) + a * x.ln() + b * (-x).ln_1p()).exp();
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

//! Numbers: `java.lang.Math` (documented).

use super::convert::number;
use crate::udf::Functions;

/// A function of one number.
type OfNumber = fn(f64) -> f64;

pub(super) fn register(f: &mut Functions) {
    let one: [(&str, OfNumber); 23] = [
        ("abs", f64::abs),
        ("acos", f64::acos),
        ("asin", f64::asin),
        ("atan", f64::atan),
        ("cbrt", f64::cbrt),
        ("ceil", f64::ceil),
        ("cos", f64::cos),
        ("cosh", f64::cosh),
        ("exp", f64::exp),
        ("expm1", f64::exp_m1),
        ("floor", f64::floor),
        ("log", f64::ln),
        ("log10", f64::log10),
        ("log1p", f64::ln_1p),
        ("sin", f64::sin),
        ("sinh", f64::sinh),
        ("sqrt", f64::sqrt),
        ("tan", f64::tan),
        ("tanh", f64::tanh),
        ("todegrees", f64::to_degrees),
        ("toradians", f64::to_radians),
        ("signum", f64::signum),
        ("rint", f64::round_ties_even),
    ];
    for (name, function) in one {
        f.real(&format!("{name}(real) real"), move |r| Some(function(r.real(0)?)));
    }
    f.real("atan2(real, real) real", |r| Some(r.real(0)?.atan2(r.real(1)?)));
    f.real("hypot(real, real) real", |r| Some(r.real(0)?.hypot(r.real(1)?)));
    f.real("pow(real, real) real", |r| Some(r.real(0)?.powf(r.real(1)?)));
    // Halves go up, as in Java; a second argument gives the decimals.
    f.real("round(real, long?) real", |r| {
        let value = r.real(0)?;
        let places = i32::try_from(r.long(1).unwrap_or(0).clamp(-15, 15)).ok()?;
        let scale = 10f64.powi(places);
        Some((value * scale + 0.5).floor() / scale)
    });
    // Text that is no number is not a number; of nothing and of white space nothing is said (documented).
    f.bool("isnan(string) bool", |r| {
        let text = r.text(0)?.trim();
        (!text.is_empty()).then(|| text == "NaN" || (number(text).is_none() && !is_infinity(text)))
    });
    f.bool("isinfinity(string) bool", |r| {
        let text = r.text(0)?.trim();
        (!text.is_empty()).then(|| is_infinity(text))
    });
}

/// As Java writes it.
fn is_infinity(text: &str) -> bool {
    text.trim_start_matches(['+', '-']) == "Infinity"
}

//! Functions of a real.

use crate::udf::{DECIMAL_ONE, Functions};

type OfReal = fn(f64) -> f64;

pub(super) fn register(f: &mut Functions) {
    let plain: [(&str, OfReal); 22] = [
        ("sqrt", f64::sqrt),
        ("exp", f64::exp),
        ("exp2", f64::exp2),
        ("exp10", |v| 10f64.powf(v)),
        ("log", f64::ln),
        ("log10", f64::log10),
        ("log2", f64::log2),
        ("sin", f64::sin),
        ("cos", f64::cos),
        ("tan", f64::tan),
        ("cot", |v| 1.0 / v.tan()),
        ("asin", f64::asin),
        ("acos", f64::acos),
        ("atan", f64::atan),
        ("degrees", f64::to_degrees),
        ("radians", f64::to_radians),
        ("erf", libm::erf),
        ("erfc", libm::erfc),
        ("gamma", libm::tgamma),
        ("loggamma", libm::lgamma),
        ("ceiling_real", f64::ceil),
        ("sign", |v| {
            if v > 0.0 {
                1.0
            } else if v < 0.0 {
                -1.0
            } else {
                0.0
            }
        }),
    ];
    for (name, function) in plain {
        // Outside of where they are defined these are null (documented); the others are what IEEE says.
        let partial = matches!(name, "sqrt" | "log" | "log10" | "log2" | "asin" | "acos");
        f.real(&format!("{name}(real) real"), move |r| {
            let v = r.real(0)?;
            Some(function(v)).filter(|result| !partial || v.is_nan() || !result.is_nan())
        });
    }
    f.long("ceiling_long(long) long", |r| r.long(0));
    f.decimal("ceiling_decimal(decimal) decimal", |r| {
        let v = r.decimal(0)?;
        Some(v + (-v).rem_euclid(DECIMAL_ONE))
    });
    f.real("pow(real, real) real", |r| Some(r.real(0)?.powf(r.real(1)?)));
    f.real("atan2(real, real) real", |r| Some(r.real(0)?.atan2(r.real(1)?)));
    f.real("round_real(real, long?) real", |r| {
        let digits = if r.len() > 1 { r.long(1)? } else { 0 };
        Some(round(r.real(0)?, i32::try_from(digits).ok()?))
    });
    f.long("round_long(long, long?) long", |r| {
        let digits = if r.len() > 1 { r.long(1)? } else { 0 };
        if digits >= 0 {
            return r.long(0);
        }
        Some(round(r.long(0)? as f64, i32::try_from(digits).ok()?) as i64)
    });
    f.bool("isnan(real) bool", |r| Some(r.real(0)?.is_nan()));
    f.bool("isinf(real) bool", |r| Some(r.real(0)?.is_infinite()));
    f.bool("isfinite(real) bool", |r| Some(r.real(0)?.is_finite()));
}

/// Half away from zero; negative digits round before the point.
fn round(v: f64, digits: i32) -> f64 {
    if !(-300..=15).contains(&digits) {
        return v;
    }
    let unit = 10f64.powi(digits.abs());
    if digits >= 0 { (v * unit).round() / unit } else { (v / unit).round() * unit }
}

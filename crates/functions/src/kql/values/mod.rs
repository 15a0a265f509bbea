//! KQL's values as text and back: what `tostring` prints, what `todatetime` and a literal accept.

pub(crate) mod civil;
mod datetime;
mod guid;
mod number;
mod timespan;

pub use civil::{Civil, MAX_TICKS};
pub use datetime::{UNIX_EPOCH, format_datetime, parse_datetime, write_datetime};
pub use guid::parse_guid;
pub(crate) use number::format_scaled;
pub use number::{
    format_decimal, format_real, parse_bool, parse_decimal, parse_int, parse_long, parse_real, write_real,
};
pub use timespan::{
    TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, format_timespan, parse_timespan,
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_instant_reads_back(t in 0..=MAX_TICKS) {
            prop_assert_eq!(parse_datetime(&format_datetime(t)), Some(t));
            prop_assert_eq!(Civil::of(t).ticks(), Some(t));
        }

        #[test]
        fn a_time_span_reads_back(t in i64::MIN + 1..=i64::MAX) {
            prop_assert_eq!(parse_timespan(&format_timespan(t)), Some(t));
        }

        #[test]
        fn a_real_reads_back(v in proptest::num::f64::ANY) {
            let back = parse_real(&format_real(v));
            prop_assert!(back.is_some_and(|b| b == v || (b.is_nan() && v.is_nan())));
        }

        #[test]
        fn a_decimal_reads_back(v in -(10i128.pow(34) - 1)..10i128.pow(34)) {
            prop_assert_eq!(parse_decimal(&format_decimal(v)), Some(v));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = (parse_datetime(&text), parse_timespan(&text), parse_decimal(&text), parse_guid(&text));
        }

        #[test]
        fn a_date_is_one_of_the_calendar(days in 0..3_652_059i64) {
            let (y, m, d) = civil::date(days);
            prop_assert_eq!(civil::days(y, m, d), days);
            prop_assert!((1..=civil::days_in_month(y, m)).contains(&d));
        }
    }
}

//! KQL's values as text and back: what `tostring` prints, what `todatetime` and a literal accept.

pub(crate) mod civil;
mod datetime;
mod guid;
mod number;
mod timespan;

pub use civil::{Civil, MAX_TICKS};
pub use datetime::{UNIX_EPOCH, format_datetime, parse_datetime, write_datetime};
pub use guid::parse_guid;
pub use number::{
    format_decimal, format_real, parse_bool, parse_decimal, parse_int, parse_long, parse_real, write_real,
};
pub use timespan::{
    TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, format_timespan, parse_timespan,
};

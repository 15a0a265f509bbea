//! Ticks and the proleptic Gregorian calendar.

use super::timespan::{TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND};

/// The last instant that a datetime can hold: 9999-12-31T23:59:59.9999999Z.
pub const MAX_TICKS: i64 = 3_155_378_975_999_999_999;

/// Days between 0001-01-01 and the epoch of the algorithm below (0000-03-01).
const ERA_OFFSET: i64 = 306;

/// An instant as calendar fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Civil {
    /// 1 to 9999.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
    /// Ticks within the second.
    pub fraction: i64,
}

impl Civil {
    /// The fields of an instant.
    pub fn of(ticks: i64) -> Self {
        let (days, within) = (ticks.div_euclid(TICKS_PER_DAY), ticks.rem_euclid(TICKS_PER_DAY));
        let (year, month, day) = date(days);
        Civil {
            year,
            month,
            day,
            hour: within / TICKS_PER_HOUR,
            minute: within / TICKS_PER_MINUTE % 60,
            second: within / TICKS_PER_SECOND % 60,
            fraction: within % TICKS_PER_SECOND,
        }
    }

    /// The instant, where the fields name one that a datetime can hold.
    pub fn ticks(&self) -> Option<i64> {
        let valid = (1..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && (0..24).contains(&self.hour)
            && (0..60).contains(&self.minute)
            && (0..60).contains(&self.second)
            && (0..TICKS_PER_SECOND).contains(&self.fraction);
        valid.then(|| {
            days(self.year, self.month, self.day) * TICKS_PER_DAY
                + self.hour * TICKS_PER_HOUR
                + self.minute * TICKS_PER_MINUTE
                + self.second * TICKS_PER_SECOND
                + self.fraction
        })
    }

    /// Midnight of that day.
    pub fn midnight(year: i64, month: i64, day: i64) -> Option<i64> {
        Civil { year, month, day, ..Civil::default() }.ticks()
    }
}

/// Days since 0001-01-01 of a date (Howard Hinnant's algorithm, years from March).
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - ERA_OFFSET
}

/// The date of a number of days since 0001-01-01.
pub(crate) fn date(days: i64) -> (i64, i64, i64) {
    let z = days + ERA_OFFSET;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * of_year + 2) / 153;
    let month = if m < 10 { m + 3 } else { m - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, of_year - (153 * m + 2) / 5 + 1)
}

/// How many days a month has.
pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day of the week, Sunday 0. 0001-01-01 was a Monday.
pub(crate) fn weekday(days: i64) -> i64 {
    (days + 1).rem_euclid(7)
}

//! English names of months and days, as dates are written in both languages.

/// The months, January first.
pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The days of the week, Monday first.
pub(crate) const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The month of a name or of its first three letters, in any case: 1 is January.
pub(crate) fn month(name: &str) -> Option<i64> {
    let is = |m: &&str| name.eq_ignore_ascii_case(m) || name.eq_ignore_ascii_case(&m[..3]);
    MONTHS.iter().position(is).map(|at| at as i64 + 1)
}

//! Time: milliseconds since the Unix epoch, and Java's `SimpleDateFormat`.

use crate::english::{DAYS, MONTHS};
use crate::udf::{Body, Functions};
use datafusion::common::plan_err;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned, civil};

pub(super) fn register(f: &mut Functions) {
    // Slices are aligned to the epoch; of a week, to Monday.
    f.long("timeslice(long, long) long", |r| {
        let (time, width) = (r.long(0)?, r.long(1).filter(|w| *w > 0)?);
        let week = 604_800_000;
        let shift = if width % week == 0 { 4 * 86_400_000 } else { 0 };
        Some((time - shift).div_euclid(width) * width + shift)
    });
    f.compiled("formatdate(long, string?, string?) dynamic", &[1, 2], |c| {
        let zone = match check_zone(c.text(2).unwrap_or("UTC")) {
            Ok(zone) => zone,
            Err(why) => return plan_err!("{why}"),
        };
        let pattern = match pattern(c.text(1).unwrap_or(DEFAULT)) {
            Ok(pattern) => pattern,
            Err(why) => return plan_err!("{why}"),
        };
        Ok(Body::text(move |r, out| {
            let time = Timestamp::from_millisecond(r.long(0)?).ok()?.to_zoned(zone.clone());
            pattern.iter().for_each(|p| p.write(&time, out));
            Some(())
        }))
    });
    f.compiled("parsedate(string, string, string?) long", &[1, 2], |c| {
        let zone = match check_zone(c.text(2).unwrap_or("UTC")) {
            Ok(zone) => zone,
            Err(why) => return plan_err!("{why}"),
        };
        let pattern = match pattern(c.str(1)) {
            Ok(pattern) => pattern,
            Err(why) => return plan_err!("{why}"),
        };
        Ok(Body::long(move |r| read(&pattern, r.text(0)?.trim_start(), &zone)))
    });
    f.long("tomillis(long) long", |r| r.long(0));
    f.long("frommillis(long) long", |r| r.long(0));
    f.long("fromseconds(long) long", |r| r.long(0)?.checked_mul(1000));
}

/// "US-style" when no format is given (documented); the real product shows the user's own zone, here it is UTC.
const DEFAULT: &str = "MM/dd/yyyy HH:mm:ss:SSS Z";

/// The time zone of that name.
///
/// # Errors
/// A sentence for the person who wrote it.
pub fn check_zone(name: &str) -> Result<TimeZone, String> {
    let upper = name.to_ascii_uppercase();
    let offset = ["UTC", "GMT", ""].iter().find_map(|p| upper.strip_prefix(p)).unwrap_or(&upper);
    if ["UTC", "GMT", "Z", "ETC/UTC", "ETC/GMT"].contains(&upper.as_str()) {
        return Ok(TimeZone::UTC);
    }
    if let Some(sign) = offset.chars().next().filter(|c| "+-".contains(*c)) {
        let digits: String = offset[1..].chars().filter(char::is_ascii_digit).collect();
        let (hours, minutes) = digits.split_at(digits.len().min(2));
        if let (Ok(h), Ok(m)) = (hours.parse::<i32>(), if minutes.is_empty() { Ok(0) } else { minutes.parse::<i32>() })
        {
            let seconds = (h * 3600 + m * 60) * if sign == '-' { -1 } else { 1 };
            if let Ok(offset) = jiff::tz::Offset::from_seconds(seconds) {
                return Ok(TimeZone::fixed(offset));
            }
        }
    }
    TimeZone::get(name).map_err(|_| format!("the time zone `{name}` is not known here"))
}

/// Whether a date format can be used.
///
/// # Errors
/// A sentence for the person who wrote it.
pub fn check_format(text: &str) -> Result<(), String> {
    pattern(text).map(|_| ())
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Field(char, usize),
}

/// `yyyy-MM-dd'T'HH:mm:ss` in pieces.
fn pattern(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\'' {
            let mut quoted = String::new();
            if chars.next_if_eq(&'\'').is_some() {
                quoted.push('\'');
            } else {
                while let Some(d) = chars.next() {
                    if d != '\'' {
                        quoted.push(d);
                    } else if chars.next_if_eq(&'\'').is_some() {
                        quoted.push('\'');
                    } else {
                        break;
                    }
                }
            }
            pieces.push(Piece::Text(quoted));
        } else if c.is_ascii_alphabetic() {
            let mut count = 1;
            while chars.next_if_eq(&c).is_some() {
                count += 1;
            }
            if !"yYMdHhKkmsSaEuDzZX".contains(c) {
                return Err(format!("`{c}` of the date format `{text}` is not supported"));
            }
            pieces.push(Piece::Field(c, count));
        } else {
            pieces.push(Piece::Text(c.to_string()));
        }
    }
    Ok(pieces)
}

impl Piece {
    fn write(&self, time: &Zoned, out: &mut String) {
        let (field, width) = match self {
            Piece::Text(text) => return out.push_str(text),
            Piece::Field(field, width) => (*field, *width),
        };
        let named = |name: &str| if width >= 4 { name.to_owned() } else { name.chars().take(3).collect() };
        let hour = i32::from(time.hour());
        let number = match field {
            'y' | 'Y' if width == 2 => i32::from(time.year()).rem_euclid(100),
            'y' | 'Y' => i32::from(time.year()),
            'M' if width >= 3 => return out.push_str(&named(MONTHS[usize::from(time.month().unsigned_abs()) - 1])),
            'M' => i32::from(time.month()),
            'd' => i32::from(time.day()),
            'D' => i32::from(time.day_of_year()),
            'H' => hour,
            'k' => {
                if hour == 0 {
                    24
                } else {
                    hour
                }
            }
            'K' => hour % 12,
            'h' => {
                if hour % 12 == 0 {
                    12
                } else {
                    hour % 12
                }
            }
            'm' => i32::from(time.minute()),
            's' => i32::from(time.second()),
            'S' => i32::from(time.millisecond()),
            'u' => i32::from(time.weekday().to_monday_one_offset()),
            'a' => return out.push_str(if hour < 12 { "AM" } else { "PM" }),
            'E' => {
                return out.push_str(&named(DAYS[usize::from(time.weekday().to_monday_zero_offset().unsigned_abs())]));
            }
            'z' => return out.push_str(&time.strftime("%Z").to_string()),
            'X' if time.offset().seconds() == 0 => return out.push('Z'),
            'X' if width >= 3 => return out.push_str(&time.strftime("%:z").to_string()),
            'X' if width == 1 => return out.extend(time.strftime("%z").to_string().chars().take(3)),
            _ => return out.push_str(&time.strftime("%z").to_string()),
        };
        out.push_str(&format!("{number:0width$}"));
    }
}

/// Reads a date; text after it is left alone (documented: the format matches a prefix).
fn read(pattern: &[Piece], text: &str, zone: &TimeZone) -> Option<i64> {
    let (mut year, mut month, mut day) = (1970i16, 1i8, 1i8);
    let (mut hour, mut minute, mut second, mut milli) = (0i64, 0i64, 0i64, 0i64);
    let (mut half, mut offset) = (None, None);
    let mut rest = text;
    for (index, piece) in pattern.iter().enumerate() {
        let (field, width) = match piece {
            Piece::Text(text) => {
                rest = rest.strip_prefix(text.as_str())?;
                continue;
            }
            Piece::Field(field, width) => (*field, *width),
        };
        match field {
            'M' if width >= 3 => {
                let at = MONTHS.iter().position(|m| starts(rest, &m[..3]))?;
                let long = starts(rest, MONTHS[at]);
                rest = &rest[if long { MONTHS[at].len() } else { 3 }..];
                month = i8::try_from(at + 1).ok()?;
            }
            'E' => {
                let at = DAYS.iter().position(|d| starts(rest, &d[..3]))?;
                let long = starts(rest, DAYS[at]);
                rest = &rest[if long { DAYS[at].len() } else { 3 }..];
            }
            'a' => {
                half = Some(if starts(rest, "pm") {
                    12
                } else if starts(rest, "am") {
                    0
                } else {
                    return None;
                });
                rest = &rest[2..];
            }
            'z' | 'Z' | 'X' => {
                let end =
                    rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-:/_".contains(c))).unwrap_or(rest.len());
                offset = Some(check_zone(&rest[..end]).ok()?);
                rest = &rest[end..];
            }
            _ => {
                // Fields that touch each other have the width that is written.
                let touching = matches!(pattern.get(index + 1), Some(Piece::Field(f, _)) if f.is_ascii_alphabetic() && !"aEzZX".contains(*f));
                let most = if touching { width } else { 12 };
                let digits = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
                let value: i64 = rest[..digits].parse().ok()?;
                rest = &rest[digits..];
                match field {
                    'y' | 'Y' if width <= 2 && digits <= 2 => {
                        year = i16::try_from(value + if value < 50 { 2000 } else { 1900 }).ok()?;
                    }
                    'y' | 'Y' => year = i16::try_from(value).ok()?,
                    'M' => month = i8::try_from(value).ok()?,
                    'd' => day = i8::try_from(value).ok()?,
                    'H' => hour = value,
                    'k' => hour = value % 24,
                    'K' | 'h' => hour = value % 12,
                    'm' => minute = value,
                    's' => second = value,
                    'S' => milli = value,
                    _ => {}
                }
            }
        }
    }
    let date = civil::Date::new(year, month, day).ok()?.to_datetime(civil::Time::midnight());
    let zone = offset.as_ref().unwrap_or(zone);
    let midnight = date.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond();
    // Java's lenient calendar carries over: hour 25 is one o'clock of the next day.
    Some(midnight + ((hour + half.unwrap_or(0)) * 3600 + minute * 60 + second) * 1000 + milli)
}

fn starts(text: &str, with: &str) -> bool {
    text.get(..with.len()).is_some_and(|t| t.eq_ignore_ascii_case(with))
}

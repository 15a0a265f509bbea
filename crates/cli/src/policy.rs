//! From flags to what they mean.

use crate::args::{ColorArg, ConfigArgs, InputArgs, LanguageArgs, LimitArgs, TalkArgs, TimeArgs};
use crate::exit::{Exit, Failure};
use parallax_diagnostics::Style;
use parallax_engine::config::FILE_NAME;
use parallax_engine::{Config, Context, Limits, Options, Window};
use parallax_telemetry::Format;
use parallax_telemetry::source::{self, Settings};
use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::time::Duration;

/// What `now()` is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Now {
    /// The clock's time.
    Wall,
    /// The latest event's.
    Latest,
    /// That one, in nanoseconds since the Unix epoch.
    At(i64),
}

/// How much to say, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Talk {
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    pub(crate) progress: bool,
    pub(crate) style: Style,
}

impl Talk {
    pub(crate) fn new(args: &TalkArgs) -> Self {
        let terminal = stderr().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let colour = match args.color {
            ColorArg::Always => true,
            ColorArg::Never => false,
            ColorArg::Auto => terminal && !plain,
        };
        Talk {
            quiet: args.quiet,
            verbose: args.verbose,
            progress: terminal && !args.no_progress && !args.quiet,
            style: if colour { Style::Colour } else { Style::Plain },
        }
    }
}

/// The configuration: the file that is given, else the one in the working directory; and the lists of the command line.
pub(crate) fn config(args: &ConfigArgs, talk: Talk) -> Result<Config, Failure> {
    let here = Path::new(FILE_NAME);
    let file = match &args.config {
        Some(file) => Some(file.as_path()),
        None => here.is_file().then_some(here),
    };
    let loaded = file.map(Config::load).transpose();
    let mut config =
        loaded.map_err(|e| Failure { exit: Exit::Usage, message: e.render(talk.style) })?.unwrap_or_default();
    for (id, file) in pairs("--list", &args.lists)? {
        config.lists.insert(id, file.into());
    }
    Ok(config)
}

/// What a session is opened with.
pub(crate) fn options(
    input: Option<&InputArgs>,
    time: Option<&TimeArgs>,
    limits: &LimitArgs,
) -> Result<Options, Failure> {
    let mut options = Options { limits: self::limits(limits)?, ..Options::default() };
    if let Some(time) = time {
        let parse = |flag: &str, text: &Option<String>| text.as_deref().map(|t| instant(flag, t)).transpose();
        options.window = Window { from: parse("--from", &time.from)?, to: parse("--to", &time.to)? };
        if options.window.from.zip(options.window.to).is_some_and(|(from, to)| from >= to) {
            return Err(Failure::usage("--from must lie before --to"));
        }
    }
    if let Some(input) = input {
        options.telemetry = telemetry(input)?;
    }
    Ok(options)
}

/// How sources are found and recognised.
pub(crate) fn telemetry(input: &InputArgs) -> Result<source::Options, Failure> {
    let format = match &input.input_format {
        None => None,
        Some(name) => Some(Format::from_name(name).ok_or_else(|| {
            let known: Vec<_> = Format::ALL.iter().map(|f| f.name()).collect();
            Failure::usage(format!("--input-format: `{name}` is not a format; one of {}", known.join(", ")))
        })?),
    };
    let settings = Settings {
        host: input.host.clone(),
        category: input.source_category.clone(),
        passwd: input.passwd.as_ref().map(Into::into),
        // For who doubts an answer; docs/performance.md says so.
        decode_all: std::env::var_os("PARALLAX_DECODE_ALL").is_some_and(|v| !v.is_empty()),
        ..Settings::default()
    };
    Ok(source::Options { settings, format, ..source::Options::default() })
}

fn limits(args: &LimitArgs) -> Result<Limits, Failure> {
    let mut limits = Limits::default();
    match args.threads {
        Some(0) => return Err(Failure::usage("--threads: at least 1")),
        Some(n) => limits.threads = n,
        None => {}
    }
    limits.memory = args.memory.as_deref().map(size).transpose()?;
    limits.timeout = args.timeout.as_deref().map(|t| duration("--timeout", t)).transpose()?;
    Ok(limits)
}

/// What `now()` is to be, by default as `otherwise` says.
pub(crate) fn now(args: &TimeArgs, otherwise: Now) -> Result<Now, Failure> {
    Ok(match args.now.as_deref() {
        None => otherwise,
        Some("wall") => Now::Wall,
        Some("latest") => Now::Latest,
        Some(text) => Now::At(instant("--now", text)?),
    })
}

/// What the query depends on beside its text.
pub(crate) fn context(args: &LanguageArgs, now: i64) -> Result<Context, Failure> {
    Ok(Context {
        strict: args.strict,
        parameters: pairs("--param", &args.parameters)?,
        switches: switches(&args.switches)?,
        ..Context::at(now)
    })
}

/// Each language knows its own switches; one of no language would be passed over by all of them.
fn switches(texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let all = pairs("--set", texts)?;
    match all.keys().find(|name| !name.starts_with("kql.") && !name.starts_with("sumo.")) {
        Some(name) => {
            Err(Failure::usage(format!("--set: there is no switch `{name}`; their names begin with `kql.` or `sumo.`")))
        }
        None => Ok(all),
    }
}

pub(crate) fn pairs(flag: &str, texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Failure::usage(format!("{flag}: `{text}` is not NAME=VALUE"))),
    };
    texts.iter().map(pair).collect()
}

/// The clock's time, in nanoseconds since the Unix epoch.
pub(crate) fn wall() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// An instant in nanoseconds since the Unix epoch: RFC 3339, a date, or a number of seconds, milliseconds,
/// microseconds or nanoseconds since 1970, which their sizes tell apart.
pub(crate) fn instant(flag: &str, text: &str) -> Result<i64, Failure> {
    let wrong = || {
        Failure::usage(format!(
            "{flag}: `{text}` is not a time; write one like 2026-03-01T12:00:00Z, or seconds since 1970"
        ))
    };
    let text_time = text.trim();
    if text_time.strip_prefix('-').unwrap_or(text_time).starts_with(|c: char| c.is_ascii_digit())
        && text_time.bytes().skip(1).all(|b| b.is_ascii_digit() || b == b'.')
    {
        return epoch(text_time).ok_or_else(wrong);
    }
    let nanos = match text_time.parse::<jiff::Timestamp>() {
        Ok(time) => time.as_nanosecond(),
        // Without an offset, UTC.
        Err(_) => text_time
            .parse::<jiff::civil::DateTime>()
            .ok()
            .and_then(|t| t.to_zoned(jiff::tz::TimeZone::UTC).ok())
            .ok_or_else(wrong)?
            .timestamp()
            .as_nanosecond(),
    };
    i64::try_from(nanos).map_err(|_| wrong())
}

fn epoch(text: &str) -> Option<i64> {
    if let Some((whole, fraction)) = text.split_once('.') {
        let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
        let nanos: i64 = digits.parse().ok()?;
        let seconds: i64 = whole.parse().ok()?;
        let nanos = if whole.starts_with('-') { -nanos } else { nanos };
        return seconds.checked_mul(1_000_000_000)?.checked_add(nanos);
    }
    let n: i64 = text.parse().ok()?;
    let scale = match n.unsigned_abs() {
        0..100_000_000_000 => 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    n.checked_mul(scale)
}

fn size(text: &str) -> Result<usize, Failure> {
    let wrong = || Failure::usage(format!("--memory: `{text}` is not a size; write one like 512M or 2G"));
    let lower = text.trim().to_ascii_lowercase();
    let lower = lower.strip_suffix("ib").or_else(|| lower.strip_suffix('b')).unwrap_or(&lower);
    let (digits, scale) = match lower.chars().last() {
        Some('k') => (&lower[..lower.len() - 1], 1usize << 10),
        Some('m') => (&lower[..lower.len() - 1], 1 << 20),
        Some('g') => (&lower[..lower.len() - 1], 1 << 30),
        _ => (lower, 1),
    };
    let n: usize = digits.parse().map_err(|_| wrong())?;
    n.checked_mul(scale).filter(|n| *n > 0).ok_or_else(wrong)
}

/// A length of time such as 30s, 5m, 12h or 14d.
pub(crate) fn duration(flag: &str, text: &str) -> Result<Duration, Failure> {
    let wrong = || Failure::usage(format!("{flag}: `{text}` is not a duration; write one like 30s or 5m"));
    let text = text.trim();
    let cut = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let n: u64 = text[..cut].parse().map_err(|_| wrong())?;
    let duration = match &text[cut..] {
        "ms" => Duration::from_millis(n),
        "" | "s" => Duration::from_secs(n),
        "m" => Duration::from_secs(n.saturating_mul(60)),
        "h" => Duration::from_secs(n.saturating_mul(3600)),
        "d" => Duration::from_secs(n.saturating_mul(86_400)),
        _ => return Err(wrong()),
    };
    if duration.is_zero() { Err(wrong()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        let at = |t: &str| instant("--now", t).map_err(|f| f.message);
        let day = 1_772_366_400_000_000_000;
        assert_eq!(at("2026-03-01T12:00:00Z"), Ok(day));
        assert_eq!(at("2026-03-01T13:00:00+01:00"), Ok(day));
        assert_eq!(at("2026-03-01 12:00:00"), Ok(day));
        assert_eq!(at("2026-03-01"), Ok(day - 12 * 3_600_000_000_000));
        assert_eq!(at("1772366400"), Ok(day));
        assert_eq!(at("1772366400.5"), Ok(day + 500_000_000));
        assert_eq!(at("1772366400000"), Ok(day));
        assert_eq!(at("1772366400000000000"), Ok(day));
        assert_eq!(at("0"), Ok(0));
        assert!(at("yesterday").is_err());
    }

    #[test]
    fn sizes_and_durations() {
        assert_eq!(size("512M").ok(), Some(512 << 20));
        assert_eq!(size("2GiB").ok(), Some(2 << 30));
        assert!(size("0").is_err() && size("big").is_err());
        assert_eq!(duration("--timeout", "5m").ok(), Some(Duration::from_secs(300)));
        assert_eq!(duration("--timeout", "30").ok(), Some(Duration::from_secs(30)));
        assert!(duration("--timeout", "5 parsecs").is_err());
    }
}

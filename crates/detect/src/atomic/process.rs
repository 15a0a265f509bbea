//! Running somebody else's command: it gets so long, so much output, no input, and a folder of its own.

use super::ExecutorName;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How much of an output is kept. What comes then is read and counted: a command must not wait for us.
const KEPT: usize = 64 << 10;
/// How long outputs may stay open behind the end of the command: what it left running may hold them.
const GRACE: Duration = Duration::from_millis(500);
/// How often is looked whether the command has ended.
const TICK: Duration = Duration::from_millis(20);

/// How a command ended, and what it said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub end: End,
    /// How long it ran.
    pub took: Duration,
    /// The beginning of what it wrote to standard output.
    pub output: String,
    /// The beginning of what it wrote to standard error.
    pub errors: String,
    /// Bytes that it wrote beyond what is kept.
    pub beyond: u64,
}

/// How a command ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It was not run.
    #[default]
    NotRun,
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// It was ended because it ran too long.
    TimedOut,
    /// It was ended because somebody interrupted us.
    Interrupted,
}

impl End {
    /// Whether it succeeded.
    pub fn good(&self) -> bool {
        *self == End::Code(0)
    }

    /// As a sentence says it.
    pub fn sentence(&self) -> String {
        match self {
            End::NotRun => "was not run".to_owned(),
            End::Code(code) => format!("ended with {code}"),
            End::Signal(signal) => format!("was ended by signal {signal}"),
            End::TimedOut => "ran too long and was ended".to_owned(),
            End::Interrupted => "was interrupted".to_owned(),
        }
    }
}

/// The program that runs commands of that kind here, with the arguments before the command.
///
/// # Errors
/// There is none; a sentence.
pub fn interpreter(executor: ExecutorName) -> Result<(&'static str, &'static [&'static str]), String> {
    const POWERSHELL: &[&str] = &["-NoProfile", "-NonInteractive", "-Command"];
    match executor {
        ExecutorName::Sh if cfg!(unix) => Ok(("sh", &["-c"])),
        ExecutorName::Bash if cfg!(unix) => Ok(("bash", &["-c"])),
        ExecutorName::CommandPrompt if cfg!(windows) => Ok(("cmd.exe", &["/D", "/C"])),
        ExecutorName::Powershell if cfg!(windows) => Ok(("powershell.exe", POWERSHELL)),
        ExecutorName::Powershell => Ok(("pwsh", POWERSHELL)),
        ExecutorName::Manual => Err("the test is done by hand: `parallax atomic show` says how".to_owned()),
        other => Err(format!("there is no `{}` on this system", other.name())),
    }
}

/// Runs a command in `folder` until it ends, takes too long, or `interrupt` is set. Where it is ended, what it started is
/// ended with it, as far as it stays in its group of processes.
///
/// # Errors
/// It can't be started; a sentence.
pub fn run(
    executor: ExecutorName,
    text: &str,
    folder: &Path,
    timeout: Duration,
    interrupt: &AtomicBool,
) -> Result<Ended, String> {
    let (program, arguments) = interpreter(executor)?;
    // The command prompt takes a line.
    let line = text.lines().collect::<Vec<_>>().join(" & ");
    let text = if executor == ExecutorName::CommandPrompt { &line } else { text };
    let mut command = Command::new(program);
    command.args(arguments).arg(text).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let began = Instant::now();
    let mut child = command.spawn().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => format!("`{program}` is not installed"),
        _ => format!("`{program}` can't be started: {e}"),
    })?;
    let (output, errors) = (child.stdout.take().map(collect), child.stderr.take().map(collect));
    let end = wait(&mut child, began, timeout, interrupt).map_err(|e| format!("waiting failed: {e}"))?;
    let took = began.elapsed();
    let until = Instant::now() + GRACE;
    let (output, beyond) = output.map_or_else(Default::default, |r| gathered(&r, until));
    let (errors, more) = errors.map_or_else(Default::default, |r| gathered(&r, until));
    Ok(Ended { end, took, output, errors, beyond: beyond + more })
}

fn wait(child: &mut Child, began: Instant, timeout: Duration, interrupt: &AtomicBool) -> io::Result<End> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(ended(status));
        }
        let end = match (interrupt.load(Ordering::Relaxed), began.elapsed() >= timeout) {
            (true, _) => End::Interrupted,
            (false, true) => End::TimedOut,
            (false, false) => {
                thread::sleep(TICK);
                continue;
            }
        };
        end_group(child);
        child.wait()?;
        return Ok(end);
    }
}

fn ended(status: ExitStatus) -> End {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return End::Signal(signal);
    }
    End::Code(status.code().unwrap_or(-1))
}

/// Ends the child, which has not been waited for, and all processes of its group.
fn end_group(child: &mut Child) {
    #[cfg(unix)]
    {
        // The group has the child's number, which nobody else gets before the child has been waited for.
        let group = format!("kill -s KILL -- -{}", child.id());
        let mut kill = Command::new("sh");
        kill.args(["-c", &group]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // There may be nobody left.
        let _ = kill.status();
    }
    // It may have ended meanwhile.
    let _ = child.kill();
}

/// What a thread has read so far.
#[derive(Debug, Default)]
struct Taken {
    kept: Vec<u8>,
    beyond: u64,
    done: bool,
}

fn collect(mut from: impl Read + Send + 'static) -> Arc<Mutex<Taken>> {
    let taken = Arc::new(Mutex::new(Taken::default()));
    let shared = Arc::clone(&taken);
    thread::spawn(move || {
        let mut piece = vec![0; 8 << 10];
        loop {
            let read = from.read(&mut piece);
            let mut taken = shared.lock().unwrap_or_else(PoisonError::into_inner);
            match read {
                Ok(0) | Err(_) => {
                    taken.done = true;
                    return;
                }
                Ok(n) => {
                    let kept = n.min(KEPT - taken.kept.len());
                    taken.kept.extend_from_slice(&piece[..kept]);
                    taken.beyond += (n - kept) as u64;
                }
            }
        }
    });
    taken
}

fn gathered(from: &Mutex<Taken>, until: Instant) -> (String, u64) {
    loop {
        let taken = from.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.done || Instant::now() >= until {
            return (String::from_utf8_lossy(&taken.kept).into_owned(), taken.beyond);
        }
        drop(taken);
        thread::sleep(TICK);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(text: &str, timeout: Duration) -> Ended {
        let folder = tempfile::tempdir().unwrap();
        run(ExecutorName::Sh, text, folder.path(), timeout, &AtomicBool::new(false)).unwrap()
    }

    #[test]
    fn a_command_says_what_it_says() {
        let ended = sh("echo one; echo two >&2; cat; exit 3", Duration::from_secs(20));
        assert_eq!((ended.end, ended.output.as_str(), ended.errors.as_str()), (End::Code(3), "one\n", "two\n"));
        assert_eq!(sh("kill -9 $$", Duration::from_secs(20)).end, End::Signal(9));
    }

    #[test]
    fn one_that_hangs_is_ended_with_what_it_started() {
        let (folder, began) = (tempfile::tempdir().unwrap(), Instant::now());
        let (text, short) = ("(sleep 1; touch alive) & sleep 78", Duration::from_millis(300));
        let ended = run(ExecutorName::Sh, text, folder.path(), short, &AtomicBool::new(false)).unwrap();
        assert_eq!(ended.end, End::TimedOut);
        assert!(began.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(1200));
        assert!(!folder.path().join("alive").exists());
    }

    #[test]
    fn one_that_never_stops_talking_costs_little() {
        let ended = sh("yes", Duration::from_millis(300));
        assert_eq!((ended.end, ended.output.len()), (End::TimedOut, KEPT));
        assert!(ended.beyond > 0);
    }

    #[test]
    fn what_stays_behind_holds_nobody_up() {
        let began = Instant::now();
        assert_eq!(sh("sleep 5 & echo here", Duration::from_secs(20)).output, "here\n");
        assert!(began.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn it_can_be_interrupted() {
        let (folder, interrupt) = (tempfile::tempdir().unwrap(), AtomicBool::new(true));
        let ended = run(ExecutorName::Sh, "sleep 79", folder.path(), Duration::from_secs(20), &interrupt).unwrap();
        assert_eq!(ended.end, End::Interrupted);
    }
}

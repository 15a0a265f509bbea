//! The `parallax` command: arguments in, rows and findings out. What they mean is decided in the rooms below.

mod args;
mod commands;
mod exit;
mod output;
mod policy;
mod progress;
mod say;

use args::{Cli, Command};
use clap::Parser;
use clap::error::ErrorKind;
use exit::{Exit, Failure};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Nobody is left to be told when this can't be printed.
            let _ = e.print();
            return match e.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
                _ => Exit::Usage,
            }
            .into();
        }
    };
    let result = match cli.command {
        Command::Query(args) => commands::query::run(&args),
        Command::Detect(args) => commands::detect::run(&args),
        Command::Rules(args) => commands::detect::list(&args),
        Command::Atomic(args) => commands::atomic::run(&args),
        Command::Test(args) => commands::test::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Convert(args) => commands::convert::run(&args),
        Command::Export(args) => commands::convert::export::run(&args),
        Command::Ingest(args) => commands::ingest::run(&args),
        Command::Siem(args) => commands::siem::run(&args),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(Failure { exit, message }) => {
            if !message.is_empty() {
                say::line(&message);
            }
            exit.into()
        }
    }
}

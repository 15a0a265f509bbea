//! `parallax atomic`

mod check;
mod ran;
mod run;
mod show;

use crate::args::{AtomicArgs, AtomicCommand, AtomicTestArgs, AtomicsArgs};
use crate::exit::{Exit, Failure};
use crate::policy::{self, Talk};
use crate::say;
use parallax_detect::atomic::{Commands, Found, commands, find, find_in_pack};
use parallax_detect::pack::MANIFEST;
use parallax_detect::{EMBEDDED, Pack};
use std::path::Path;

pub(crate) fn run(args: &AtomicArgs) -> Result<Exit, Failure> {
    match &args.command {
        AtomicCommand::List(args) => show::list(args),
        AtomicCommand::Show(args) => show::show(args),
        AtomicCommand::Run(args) => run::run(args),
    }
}

/// Tests, each with the place of its pack among `packs`, where it has one.
struct Tests {
    packs: Vec<Pack>,
    found: Vec<(Found, Option<usize>)>,
}

fn tests(args: &AtomicsArgs, talk: Talk) -> Result<Tests, Failure> {
    let wrong = |e: parallax_detect::PackError| Failure::wrong(e.render(talk.style));
    let mut tests = Tests { packs: Vec::new(), found: Vec::new() };
    if args.atomics.is_empty() {
        for pack in EMBEDDED {
            tests.add(Pack::embedded(pack).map_err(wrong)?);
        }
    }
    for path in args.atomics.iter().map(Path::new) {
        if path.join(MANIFEST).is_file() {
            tests.add(Pack::open(path).map_err(wrong)?);
        } else {
            let (found, said) = find(path).map_err(wrong)?;
            if !talk.quiet && !said.problems.is_empty() {
                say::line(&said.render(talk.style));
            }
            tests.found.extend(found.into_iter().map(|f| (f, None)));
        }
    }
    Ok(tests)
}

impl Tests {
    fn add(&mut self, pack: Pack) {
        let at = self.packs.len();
        self.found.extend(find_in_pack(&pack).into_iter().map(|f| (f, Some(at))));
        self.packs.push(pack);
    }

    /// The one test that is named.
    fn one(&self, name: &str) -> Result<&(Found, Option<usize>), Failure> {
        let named: Vec<_> = self.found.iter().filter(|(f, _)| f.is(name)).collect();
        match named[..] {
            [one] => Ok(one),
            [] => {
                let ids: Vec<String> = self.found.iter().flat_map(|(f, _)| [f.id(), f.test.name.clone()]).collect();
                let near = parallax_diagnostics::did_you_mean(name, ids.iter().map(String::as_str));
                let near = near.map_or_else(|| "; ".to_owned(), |n| format!("; did you mean `{n}`? "));
                Err(Failure::usage(format!("there is no test `{name}`{near}`parallax atomic list` lists them")))
            }
            _ => {
                let ids: Vec<String> = named.iter().map(|(f, _)| format!("{} ({})", f.id(), f.file)).collect();
                Err(Failure::usage(format!("several tests are named `{name}`: {}", ids.join(", "))))
            }
        }
    }
}

fn with_arguments(found: &Found, args: &AtomicTestArgs) -> Result<Commands, Failure> {
    let given = policy::pairs("--arg", &args.arguments)?;
    commands(&found.test, &given, found.folder.as_deref()).map_err(|e| Failure::usage(format!("{}: {e}", found.id())))
}

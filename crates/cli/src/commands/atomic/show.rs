//! `parallax atomic list` and `show`

use super::{tests, with_arguments};
use crate::args::{AtomicListArgs, AtomicShowArgs, ReportFormat};
use crate::exit::{Exit, Failure};
use crate::output::text::{safe, width};
use crate::policy::Talk;
use parallax_detect::atomic::{Commands, Found};
use serde_json::{Value as Json, json};
use std::io::{self, Write, stdout};

pub(super) fn list(args: &AtomicListArgs) -> Result<Exit, Failure> {
    let tests = tests(&args.atomics, Talk::new(&args.talk))?;
    if tests.found.is_empty() {
        return Err(Failure::usage("there are no atomic tests"));
    }
    let mut out = io::BufWriter::new(stdout().lock());
    if args.format == ReportFormat::Json {
        let all: Vec<Json> = tests
            .found
            .iter()
            .map(|(f, _)| {
                json!({
                    "id": f.id(),
                    "name": f.test.name,
                    "guid": f.test.guid,
                    "platforms": f.test.supported_platforms,
                    "executor": f.test.executor.name.name(),
                    "elevation_required": f.test.executor.elevation_required,
                    "file": f.file,
                })
            })
            .collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "tests": all })).unwrap_or_default())?;
    } else {
        let rows: Vec<[String; 4]> = tests
            .found
            .iter()
            .map(|(f, _)| {
                let platforms = f.test.supported_platforms.join(" ");
                [f.id(), f.test.executor.name.name().to_owned(), safe(&platforms).into(), safe(&f.test.name).into()]
            })
            .collect();
        let wide = |i: usize| rows.iter().map(|r| width(&r[i])).max().unwrap_or(0);
        let widths = [wide(0), wide(1), wide(2)];
        for row in &rows {
            let cells = row.iter().zip(widths).map(|(cell, w)| format!("{cell}{}  ", " ".repeat(w - width(cell))));
            writeln!(out, "{}{}", cells.collect::<String>(), row[3])?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

pub(super) fn show(args: &AtomicShowArgs) -> Result<Exit, Failure> {
    let tests = tests(&args.test.atomics, Talk::new(&args.talk))?;
    let (found, _) = tests.one(&args.test.test)?;
    let commands = with_arguments(found, &args.test)?;
    let mut out = io::BufWriter::new(stdout().lock());
    match args.format {
        ReportFormat::Json => {
            writeln!(out, "{}", serde_json::to_string_pretty(&as_json(found, &commands)).unwrap_or_default())?;
        }
        ReportFormat::Table => {
            whole(found, &commands, &mut out)?;
            plan(found, &commands, &mut out)?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn whole(found: &Found, commands: &Commands, out: &mut dyn Write) -> io::Result<()> {
    let test = &found.test;
    for line in test.description.lines() {
        writeln!(out, "  {}", safe(line).trim_end())?;
    }
    writeln!(out, "platforms: {}", safe(&test.supported_platforms.join(", ")))?;
    for (name, argument) in &test.input_arguments {
        let value = commands.arguments.get(name).map_or("", String::as_str);
        let description = argument.description.trim();
        writeln!(out, "--arg {}={}    {}", safe(name), safe(value), safe(description))?;
    }
    writeln!(out)
}

/// What would be run: nothing of it is shortened.
pub(super) fn plan(found: &Found, commands: &Commands, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} {} ({})", found.id(), safe(&found.test.name), safe(&found.file))?;
    for needed in &commands.dependencies {
        writeln!(out, "needs: {}", safe(&needed.description))?;
        if let Some(check) = &needed.check {
            block(&format!("check ({})", commands.dependency_executor.name()), check, out)?;
        }
        if let Some(get) = &needed.get {
            block("with --get-prereqs, where it is missing", get, out)?;
        }
    }
    if found.test.executor.elevation_required {
        writeln!(out, "needs the rights of an administrator")?;
    }
    block(&format!("command ({})", commands.executor.name()), &commands.command, out)?;
    match &commands.cleanup {
        Some(cleanup) => block("cleanup", cleanup, out),
        None => writeln!(out, "no cleanup"),
    }
}

fn block(title: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{title}:")?;
    for line in text.lines() {
        writeln!(out, "    {}", exact(line))?;
    }
    Ok(())
}

/// A command as it is: what a terminal would not show, or take for its own, is written out.
fn exact(line: &str) -> String {
    let mut out = String::new();
    for c in line.chars() {
        match c {
            '\t' => out.push(c),
            c if safe(c.encode_utf8(&mut [0; 4])).is_empty() || safe(c.encode_utf8(&mut [0; 4])) == " " && c != ' ' => {
                out.extend(c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

pub(super) fn as_json(found: &Found, commands: &Commands) -> Json {
    let needs = commands
        .dependencies
        .iter()
        .map(|n| json!({ "description": n.description, "check": n.check, "get": n.get }))
        .collect::<Vec<_>>();
    json!({
        "id": found.id(),
        "name": found.test.name,
        "guid": found.test.guid,
        "file": found.file,
        "platforms": found.test.supported_platforms,
        "executor": commands.executor.name(),
        "elevation_required": found.test.executor.elevation_required,
        "arguments": commands.arguments,
        "command": commands.command,
        "cleanup": commands.cleanup,
        "dependency_executor": commands.dependency_executor.name(),
        "dependencies": needs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_is() {
        assert_eq!(exact("rm \u{202e}txt.a\u{1b}[2J\tx \u{2028}ü"), "rm \\u{202e}txt.a\\u{1b}[2J\tx \\u{2028}ü");
    }
}

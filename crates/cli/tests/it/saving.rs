//! `save`: tables that a search writes, and `cat` and `lookup` read.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("parallax.toml"), config).expect("written");
        let line = |user, code| {
            format!("{{\"time\": \"2026-03-01T00:00:0{code}Z\", \"user\": \"{user}\", \"code\": {code}}}\n")
        };
        let log = [line("ann", 7), line("bob", 8), line("ann", 9)].concat();
        fs::write(folder.path().join("in.jsonl"), log).expect("written");
        Place { folder }
    }

    fn run(&self, args: &[&str]) -> (bool, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
        command.args(args);
        if args[0] != "check" {
            command.args(["--input", "in.jsonl"]);
        }
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        let output = command.output().expect("the program runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    fn rows(&self, query: &str) -> String {
        let (done, rows, said) = self.run(&["query", "--sumo", query, "--format", "csv"]);
        assert!(done, "{query}\n{said}");
        rows
    }

    fn refused(&self, query: &str, part: &str) {
        let (done, rows, said) = self.run(&["query", "--sumo", query, "--format", "csv"]);
        assert!(!done && rows.is_empty() && said.contains(part), "{query}\n{rows}\n{said}");
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn has(&self, name: &str) -> bool {
        Path::new(self.folder.path()).join(name).exists()
    }
}

const CONFIG: &str = "[sumo.save]\nfolder = \"tables\"\nkeys = { \"/Library/Users/me@example.org/Seen\" = [\"user\"] }\n\
     [sumo.lookups]\n\"shared/given\" = \"given.csv\"\n";
const COUNTS: &str = "* | count by user | sort by user asc";

#[test]
fn what_is_saved_is_found_again() {
    let place = Place::new(CONFIG);
    let shown = place.rows(&format!("{COUNTS} | save /shared/team/counts"));
    assert_eq!(shown, "user,_count\nann,2\nbob,1\n");
    assert_eq!(place.file("tables/shared/team/counts.csv"), shown);
    assert_eq!(place.rows("cat shared/team/counts"), shown);
    let found = "* | user as u | lookup _count as n from shared/team/counts on u=user | count by u, n | sort by u asc";
    assert_eq!(place.rows(found), "u,n,_count\nann,2,2\nbob,1,1\n");

    // A file is added to as it is, and replaced as a whole.
    place.rows(&format!("{COUNTS} | limit 1 | save append shared/team/counts"));
    assert_eq!(place.file("tables/shared/team/counts.csv"), "user,_count\nann,2\nbob,1\nann,2\n");
    place.rows("* | max(code) as m | save shared/team/counts");
    assert_eq!(place.file("tables/shared/team/counts.csv"), "m\n9\n");
    place.refused(&format!("{COUNTS} | save append shared/team/counts"), "no column `m`");
    // What a search reads it may replace.
    place.rows("cat shared/team/counts | m + 1 as m | save shared/team/counts");
    assert_eq!(place.rows("cat shared/team/counts"), "m\n10\n");
    let left: Vec<_> = fs::read_dir(place.folder.path().join("tables/shared/team")).expect("a folder").collect();
    assert_eq!(left.len(), 1, "nothing else is left behind");
}

#[test]
fn tables_of_the_library_are_merged_by_their_keys() {
    let place = Place::new(CONFIG);
    let seen = "path://\"/Library/Users/me@example.org/Seen\"";
    let file = "tables/Library/Users/me@example.org/Seen.csv";
    place.rows(&format!("{COUNTS} | fields user, _count | save {seen}"));
    assert_eq!(place.file(file), "user,_count\nann,2\nbob,1\n");
    let later = "* | where code = 9 | count by user | \"x\" as more";
    let (_, _, said) = place.run(&["query", "--sumo", &format!("{later} | save append {seen}")]);
    assert!(said.contains("SUMO0214") && said.contains("`more`") && said.contains("saved 1 row"), "{said}");
    assert_eq!(place.file(file), "user,_count\nann,1\nbob,1\n");
    place.refused(&format!("* | count | save {seen}"), "no column `user`");
    assert_eq!(place.rows(&format!("cat {seen} | where user = \"bob\"")), "user,_count\nbob,1\n");
    place.rows(&format!("{COUNTS} | save path://\"/Library/New\""));
    place.refused(&format!("{COUNTS} | save append path://\"/Library/New\""), "sumo.save.keys");
}

#[test]
fn nothing_is_written_elsewhere() {
    let place = Place::new(CONFIG);
    for odd in [
        "\"../out\"",
        "shared/../../out",
        "/",
        "a//b",
        "a/./b",
        "path://\"/Library/..\"",
        "\"a\\\\b\"",
        "https://example.org/a",
    ] {
        place.refused(&format!("{COUNTS} | save {odd}"), "SUMO0112");
    }
    place.refused(&format!("{COUNTS} | save shared/given"), "given.csv");
    place.refused("* | where [subquery: * | save shared/x | compose user] | count", "SUMO0105");
    let saves = format!("{COUNTS} | save shared/x");
    fs::write(place.folder.path().join("q.sumo"), &saves).expect("written");
    let (right, said, more) = place.run(&["check", "q.sumo"]);
    assert!(right, "{said}{more}");
    assert!(place.run(&["explain", "--sumo", &saves]).0);
    assert!(!place.has("tables") && !place.has("out.csv"));
    // What comes after is not processed.
    assert_eq!(
        place.rows(&format!("{COUNTS} | save shared/x | limit 1 | where no = such")),
        "user,_count\nann,2\nbob,1\n"
    );
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(place.folder.path(), place.folder.path().join("tables/out")).expect("a link");
        place.refused(&format!("{COUNTS} | save out/x"), "is a link");
        assert!(!place.has("x.csv"));
    }

    let without = Place::new("");
    without.refused(&format!("{COUNTS} | save shared/x"), "[sumo.save]");
    fs::write(without.folder.path().join("q.sumo"), &saves).expect("written");
    let (right, said, more) = without.run(&["check", "q.sumo"]);
    assert!(right && format!("{said}{more}").contains("warning[SUMO0105]"), "{said}{more}");
    assert!(!without.has("shared"));
}

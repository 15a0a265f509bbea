//! Events: texts that are, or nearly are, what queries look for.

use super::dice::Dice;

/// What happened, whatever it is written as.
#[derive(Clone, Debug, Default)]
pub(super) struct Event {
    pub(super) file: String,
    pub(super) folder: String,
    pub(super) line: String,
    pub(super) account: String,
    pub(super) parent: String,
    /// A member of the JSON object in which more is kept.
    pub(super) more: String,
}

/// Words that events and queries share. What folds to others, what formats escape, and parts of the others are among
/// them.
pub(super) const WORDS: [&str; 45] = [
    "lua",
    "LUA",
    "lua.exe",
    "luajit",
    "Lua.Exe",
    "mask",
    "mas\u{212a}",
    "ma\u{17f}k",
    "MASK.exe",
    "os.execute(",
    "os.Execute",
    "io.popen(",
    "dofile(\"a\")",
    "whoami",
    "-enc",
    "cmd.exe",
    "C:\\Tools\\lua.exe",
    "C:\\new\\table",
    "/usr/bin/lua5.4",
    "root",
    "R\u{d6}\u{d6}T",
    "na\u{ef}ve",
    "\u{130}ntel",
    "a<b>&c",
    "it's",
    "a,b",
    "\"quoted\"",
    "net.exe",
    "&lua;",
    "\\u0041lua",
    "12.50",
    "true",
    "0x1f4",
    "nfoo",
    "tab\tbed",
    "two words",
    "\u{1f600}",
    "luau",
    "ello",
    "x",
    "param1",
    "EventData",
    "quot",
    "<!--",
    "new\nfoo",
];

/// A text of some words.
fn words(dice: &mut Dice<'_>, most: usize, between: &str) -> String {
    let count = 1 + dice.below(most);
    (0..count).map(|_| dice.of(&WORDS)).collect::<Vec<_>>().join(between)
}

impl Event {
    pub(super) fn new(dice: &mut Dice<'_>) -> Self {
        let (slash, blank) = (dice.of(&["\\", "/"]), dice.of(&[" ", " ", ""]));
        Event {
            file: words(dice, 1, ""),
            folder: words(dice, 3, slash),
            line: words(dice, 4, blank),
            account: words(dice, 2, ""),
            parent: words(dice, 1, ""),
            more: words(dice, 2, " "),
        }
    }
}

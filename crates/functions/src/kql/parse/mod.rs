//! Text with a structure of its own: URLs, paths, command lines, XML.

mod command_line;
mod pairs;
mod path;
mod url;
pub(super) mod user_agent;
mod version;
mod xml;

use crate::udf::Functions;

pub(super) fn register(f: &mut Functions) {
    url::register(f);
    pairs::register(f);
    path::register(f);
    command_line::register(f);
    version::register(f);
    xml::register(f);
}

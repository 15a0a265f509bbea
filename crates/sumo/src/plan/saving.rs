//! `save`: the result as a lookup table. The planner says what is to be written; the engine writes it.

use super::{Planner, Planning, codes};
use crate::syntax::{At, Operator, Text};
use parallax_catalog::Save;
use parallax_catalog::external::{is_url, lookup_place};
use parallax_diagnostics::Diagnostic;

impl Planner<'_> {
    pub(super) fn save(&mut self, append: bool, path: &Text, at: At) -> Planning<()> {
        if self.main.is_none() {
            return self.refuse(at, "only the search as a whole can be saved", "write `save` at its end");
        }
        let place = lookup_place(&path.text);
        let wrong =
            |why: &str| Diagnostic::error(codes::SAVE, path.at.0, format!("`{place}` is no place for a table: {why}"));
        if is_url(place) {
            return Err(wrong("it is an address"));
        }
        let parts = || place.trim_start_matches('/').split('/');
        if parts().any(|part| matches!(part, "" | "." | "..")) {
            return Err(wrong("it is not a path with a name in each of its parts"));
        }
        if place.contains(|c: char| c.is_control() || matches!(c, '\\' | ':' | '*')) || parts().any(|p| p.len() > 200) {
            return Err(wrong("a part of it can't be the name of a file"));
        }
        let refused = (!self.catalog.externals().saves()).then(|| {
            Diagnostic::error(codes::NOT_SUPPORTED, at.0, "`save` writes a table, and the configuration gives no folder for it")
                .help("name the folder in the configuration, `[sumo.save]`, `folder = \"tables\"`; or write the result to a file with `--format csv`")
        });
        let library = path.text.trim_start().starts_with("path://");
        self.save = Some(Save { place: place.to_owned(), append, library, span: at.0, refused });
        Ok(())
    }

    /// Whether the result is saved already: what follows a `save` is not processed (documented).
    pub(super) fn is_saved(&mut self, operator: &Operator) -> bool {
        let saved = self.save.is_some();
        if saved {
            let warning =
                Diagnostic::warning(codes::NOT_SAVED, operator.at.0, "what follows a `save` is not processed");
            self.diagnostics.push(warning.label("has no effect, here and in the real product"));
        }
        saved
    }
}

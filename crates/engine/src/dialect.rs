//! The languages of queries.

use crate::error::Error;
use parallax_catalog::trace::Traced;
use parallax_catalog::{Catalog, Context, Planned};
use parallax_diagnostics::{Diagnostic, Diagnostics, Severity};

/// The language of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Kusto Query Language, of Microsoft Sentinel and Defender.
    Kql,
    /// Sumo Logic search.
    Sumo,
    /// Sigma rules.
    Sigma,
}

impl Dialect {
    /// The dialect of that name.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "kql" => Some(Dialect::Kql),
            "sumo" => Some(Dialect::Sumo),
            "sigma" => Some(Dialect::Sigma),
            _ => None,
        }
    }

    /// The dialect of a file, by its ending.
    pub fn of_file(name: &str) -> Option<Self> {
        let (stem, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            _ if stem.is_empty() => None,
            "kql" | "kusto" | "csl" => Some(Dialect::Kql),
            "sumo" => Some(Dialect::Sumo),
            "yml" | "yaml" => Some(Dialect::Sigma),
            _ => None,
        }
    }

    /// The dialect of a file, by its ending; of YAML by what stands in it.
    ///
    /// # Errors
    /// It is none: a sentence that begins with "it" or "its".
    pub fn of_text(name: &str, text: &str) -> Result<Self, String> {
        match Self::of_file(name) {
            None => Err("its ending does not say the language: .kql, .sumo, or .yml for Sigma".to_owned()),
            Some(Dialect::Sigma) if !parallax_sigma::syntax::is_rules(text) => {
                let top = |key: &str| text.lines().any(|l| l.starts_with(key));
                Err(if top("query:") && (top("kind:") || top("tactics:") || top("entityMappings:")) {
                    "it is an analytics rule of Sentinel: `parallax detect` runs it".to_owned()
                } else {
                    "it is YAML and no Sigma rule, which has `detection:`, `correlation:` or `filter:`".to_owned()
                })
            }
            Some(dialect) => Ok(dialect),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::Kql => "kql",
            Dialect::Sumo => "sumo",
            Dialect::Sigma => "sigma",
        }
    }

    /// From text to a plan.
    pub(crate) fn plan(self, text: &str, catalog: &dyn Catalog, context: &Context) -> Result<Planned, Error> {
        let planned = match self {
            Dialect::Kql => parallax_kql::parse(text).and_then(|tree| parallax_kql::plan(&tree, catalog, context)),
            Dialect::Sumo => parallax_sumo::parse(text).and_then(|tree| parallax_sumo::plan(&tree, catalog, context)),
            Dialect::Sigma => sigma(text, catalog, context).and_then(|read| {
                let mut planned = parallax_sigma::plan_all(&read, catalog, context)?;
                planned.diagnostics.0.splice(..0, read.diagnostics);
                Ok(planned)
            }),
        };
        planned.map_err(Error::Query)
    }

    /// The text in its canonical form, and its tree.
    pub(crate) fn parsed(
        self,
        text: &str,
        catalog: &dyn Catalog,
        context: &Context,
    ) -> Result<(String, String), Error> {
        match self {
            Dialect::Kql => parallax_kql::parse(text).map(|tree| (tree.to_string(), format!("{tree:#?}"))),
            Dialect::Sumo => parallax_sumo::parse(text)
                .map(|tree| (parallax_sumo::syntax::print(&tree.query), format!("{:#?}", tree.query))),
            Dialect::Sigma => sigma(text, catalog, context).map(|read| canonical(text, &read)),
        }
        .map_err(Error::Query)
    }

    /// From text to a plan that can be watched; `find` is a condition of the same language.
    pub(crate) fn trace(
        self,
        text: &str,
        find: Option<&str>,
        catalog: &dyn Catalog,
        context: &Context,
    ) -> Result<Traced, Error> {
        // A condition is no query: it is read as the filter of one.
        let whole = |start: &str| find.map(|f| format!("{start} | where {f}"));
        let not_a_condition = |all: Diagnostics| {
            let said = all.iter().map(|d| d.message.clone()).collect::<Vec<_>>().join("; ");
            Error::Setup(format!("`{}` is not a condition: {said}", find.unwrap_or_default()))
        };
        match self {
            Dialect::Kql => {
                let find = whole("T").map(|t| parallax_kql::parse(&t)).transpose().map_err(not_a_condition)?;
                parallax_kql::parse(text).and_then(|tree| parallax_kql::trace(&tree, find.as_ref(), catalog, context))
            }
            Dialect::Sumo => {
                let find = whole("*").map(|t| parallax_sumo::parse(&t)).transpose().map_err(not_a_condition)?;
                parallax_sumo::parse(text).and_then(|tree| parallax_sumo::trace(&tree, find.as_ref(), catalog, context))
            }
            Dialect::Sigma => {
                let find = find.map(parallax_sigma::plan::condition).transpose().map_err(not_a_condition)?;
                sigma(text, catalog, context)
                    .and_then(|read| parallax_sigma::trace(&read, text, find.as_ref(), catalog, context))
            }
        }
        .map_err(Error::Query)
    }

    /// The log sources that a text is about.
    pub(crate) fn log_sources(self, text: &str) -> Vec<parallax_telemetry::LogSource> {
        use parallax_sigma::tree::Document;
        if self != Dialect::Sigma {
            return Vec::new();
        }
        // Placeholders are no part of a log source.
        let read = parallax_sigma::read_with(text, &|_| Some(Vec::new()));
        let rules = read.documents.into_iter().filter_map(|located| match located.document {
            Document::Rule(rule) => Some(rule.logsource),
            _ => None,
        });
        rules.collect()
    }

    /// What is to be said of a text that is not run.
    pub(crate) fn check(self, text: &str, catalog: &dyn Catalog, context: &Context) -> Result<Diagnostics, Error> {
        if self == Dialect::Sigma {
            let checked = sigma(text, catalog, context).and_then(|r| parallax_sigma::plan::check(&r, catalog, context));
            return checked.map_err(Error::Query);
        }
        self.plan(text, catalog, context).map(|planned| {
            let mut all = planned.diagnostics;
            // The query is right; that data of it is not here is for whoever runs it.
            let warning = |d: Diagnostic| Diagnostic { severity: Severity::Warning, ..d };
            all.extend(planned.save.and_then(|s| s.refused).map(warning));
            all.extend(planned.unreached.into_iter().map(warning));
            all
        })
    }
}

/// The documents of a file of rules, none of which is wrong, with the values that the catalog has for placeholders.
fn sigma(text: &str, catalog: &dyn Catalog, context: &Context) -> Result<parallax_sigma::syntax::Read, Diagnostics> {
    let read = parallax_sigma::read_with(text, &|name| catalog.externals().placeholder(name, context.now));
    if read.diagnostics.has_errors() { Err(read.diagnostics) } else { Ok(read) }
}

/// The rules in the form in which they are printed, other documents as they are; and the trees.
fn canonical(text: &str, read: &parallax_sigma::syntax::Read) -> (String, String) {
    use parallax_sigma::tree::Document;
    let printed = read.documents.iter().map(|located| match &located.document {
        Document::Rule(rule) => parallax_sigma::syntax::print(rule),
        Document::Correlation(_) | Document::Filter(_) => format!("{}\n", located.span.of(text).trim_end()),
    });
    let trees = read.documents.iter().map(|located| format!("{:#?}", located.document));
    (printed.collect::<Vec<_>>().join("---\n"), trees.collect::<Vec<_>>().join("\n"))
}

//! The languages of queries.

use crate::error::Error;
use parallax_catalog::trace::Traced;
use parallax_catalog::{Catalog, Context, Planned};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};

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
            Dialect::Sigma => Err(no_sigma()),
        };
        planned.map_err(Error::Query)
    }

    /// The text in its canonical form, and its tree.
    pub(crate) fn parsed(self, text: &str) -> Result<(String, String), Error> {
        match self {
            Dialect::Kql => parallax_kql::parse(text).map(|tree| (tree.to_string(), format!("{tree:#?}"))),
            Dialect::Sumo => parallax_sumo::parse(text)
                .map(|tree| (parallax_sumo::syntax::print(&tree.query), format!("{:#?}", tree.query))),
            Dialect::Sigma => Err(no_sigma()),
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
            Dialect::Sigma => Err(no_sigma()),
        }
        .map_err(Error::Query)
    }
}

fn no_sigma() -> Diagnostics {
    Diagnostics::from(
        Diagnostic::error("SIGMA0001", Span::at(0), "Sigma rules are not supported yet")
            .help("write the rule as a KQL (.kql) or Sumo (.sumo) query"),
    )
}

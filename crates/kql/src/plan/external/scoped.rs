//! Names that say in which workspace, cluster or database a table lies.
//!
//! Here there is one: `workspace("x").T`, `database("y").T` and `cluster("z").database("y").T` are the local `T`, which
//! is said. `arg("")`, `adx("…")` and the like ask another service, with tables of its own: they are refused by name.

use crate::plan::Binder;
use crate::plan::error::{self, Result, error};
use crate::syntax::tree::{Expr, ExprKind, Selector};
use parallax_diagnostics::Diagnostic;

/// What leads to a table of this place, and what leads elsewhere.
const HERE: [&str; 4] = ["database", "workspace", "app", "resource"];
const ELSEWHERE: [(&str, &str); 4] = [
    ("arg", "asks Azure Resource Graph"),
    ("adx", "asks a cluster of Azure Data Explorer"),
    ("externaladx", "asks a cluster of Azure Data Explorer"),
    ("cluster", "names a cluster without a database"),
];

/// `database("x")`, `cluster("x").database("y")`: what stands before a table's name; or what asks another service.
pub(crate) fn is_database(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call(call) => {
            let name = call.name.text.as_str();
            HERE.contains(&name) || ELSEWHERE.iter().any(|(n, _)| *n == name)
        }
        ExprKind::Path { selector: Selector::Call(call), .. } => call.name.text == "database",
        _ => false,
    }
}

impl Binder<'_> {
    /// Says what becomes of the scope before a table's name.
    pub(crate) fn scoped(&self, scope: &Expr, table: &str) -> Result<()> {
        if let ExprKind::Call(call) = &scope.kind
            && let Some((name, what)) = ELSEWHERE.iter().find(|(n, _)| *n == call.name.text)
        {
            return Err(Box::new(
                (*error(error::EXTERNAL, scope.span, format!("`{name}(…)` {what}, from which nothing is fetched")))
                    .help(format!("export `{table}` to a file, name it in the configuration under `[kql.tables]`, and read it by that name")),
            ));
        }
        self.note(Diagnostic::note(
            error::RESOLVED,
            scope.span,
            format!("workspaces and databases are one here: `{table}` is the local table"),
        ));
        Ok(())
    }
}

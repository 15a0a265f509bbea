//! What can go wrong with a query.

use datafusion::error::DataFusionError;
use parallax_diagnostics::Diagnostics;
use std::time::Duration;

/// Why there is no result, or no more of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The query's text is wrong, or asks for what is not supported.
    #[error("{0}")]
    Query(Diagnostics),
    /// The query failed on the data.
    #[error("the query failed: {0}")]
    Execution(String),
    /// It needed more memory than it was allowed.
    #[error("the query needs more than the {limit} of memory it may use: {what}")]
    Memory {
        /// The limit, for people.
        limit: String,
        /// What asked for more.
        what: String,
    },
    /// It took longer than it was allowed.
    #[error("the query took longer than {0:?} and was stopped")]
    Timeout(Duration),
    /// The program could not start what it needs.
    #[error("{0}")]
    Setup(String),
}

impl Error {
    pub(crate) fn from_datafusion(error: DataFusionError, memory: Option<usize>) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(what) => Error::Memory {
                limit: memory.map_or_else(|| "available amount".to_owned(), |m| format!("{} MiB", m >> 20)),
                what: what.lines().next().unwrap_or_default().to_owned(),
            },
            DataFusionError::Execution(message) => Error::Execution(message.clone()),
            DataFusionError::External(e) => Error::Execution(e.to_string()),
            root => Error::Execution(root.strip_backtrace()),
        }
    }
}

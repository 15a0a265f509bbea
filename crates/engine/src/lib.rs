//! A session: tables over telemetry, limits, execution, explanation.

mod apart;
pub mod config;
mod dialect;
mod error;
mod execute;
mod external;
mod hint;
mod in_order;
mod late;
mod lift;
mod narrow;
mod order;
pub mod scan;
mod session;
pub mod value;

pub use config::Config;
pub use dialect::Dialect;
pub use error::Error;
pub use execute::{Limits, Rows};
pub use external::Saving;
pub use parallax_catalog::trace::{Beyond, Place, Role};
pub use parallax_catalog::{Context, Encoding, Output, PROVENANCE};
pub use parallax_telemetry::view::LooksFor;
pub use scan::Window;
pub use session::{
    Alone, AloneRead, Census, ColumnRead, Execution, Explanation, Followed, Found, Hit, HitEvent, HitsAsked, HitsSeen,
    Kept, KeptRun, Maker, Options, Part, Pick, Records, RecordsAsked, Session, Shared, Shown, StepSeen, StoreRead,
    TableRead, TableUse,
};

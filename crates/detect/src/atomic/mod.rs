//! Atomic tests: small commands that do what an attacker does, in the schema of Atomic Red Team.

pub mod audit;
mod command;
mod find;
mod live;
pub mod process;
mod read;

pub use command::{Commands, Needed, commands};
pub use find::{Found, find, find_in_pack};
pub use live::{Live, expected, look};
pub use read::{Argument, AtomicTest, Dependency, Executor, ExecutorName, Scalar, Technique, cut_off, read};

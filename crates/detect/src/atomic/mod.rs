//! Atomic tests: small commands that do what an attacker does, in the schema of Atomic Red Team.

mod read;

pub use read::{Argument, AtomicTest, Dependency, Executor, ExecutorName, Technique, read};

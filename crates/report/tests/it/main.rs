//! Reports of small sessions: what stands in them, what does not, and what a browser says.

mod browser;
mod formats;
mod hostile;
mod made;
mod small;

//! Where findings go.

use crate::finding::Finding;
use std::io;

/// Takes findings as they come; memory must not grow with their number.
pub trait TakeFindings {
    /// Takes one.
    ///
    /// # Errors
    /// It can't be written.
    fn finding(&mut self, finding: &Finding) -> io::Result<()>;

    /// What writes findings one by one, where that is all there is to do with them: then threads that find write them,
    /// and what they wrote comes in its order ([`TakeFindings::written`]). Nothing where the findings themselves are wanted.
    fn pens(&self) -> Option<Pens> {
        None
    }

    /// Takes what pens wrote of some findings.
    ///
    /// # Errors
    /// It can't be written.
    fn written(&mut self, _text: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// Gives each thread a pen of its own.
pub type Pens = Box<dyn Fn() -> Box<dyn Pen>>;

/// Writes findings.
pub trait Pen: Send {
    /// Appends what is written of a finding.
    fn write(&mut self, finding: &Finding, out: &mut Vec<u8>);
}

impl<F: FnMut(&Finding) -> io::Result<()> + ?Sized> TakeFindings for F {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self(finding)
    }
}

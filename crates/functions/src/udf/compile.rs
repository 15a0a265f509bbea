//! Compiling constant arguments once.

use super::Body;
use datafusion::common::{Result, ScalarValue, exec_err};
use std::sync::{Arc, Mutex};

/// How many compiled forms a function keeps for callers that no optimiser prepared.
const KEPT: usize = 16;

/// A constant argument.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Const(pub ScalarValue);

/// The constant arguments of a call, by position; those that are not constants, or not compiled, are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Consts(pub(super) Vec<Option<Const>>);

impl Consts {
    /// The text of argument `i`; empty where it is null or not given.
    pub fn str(&self, i: usize) -> &str {
        self.text(i).unwrap_or("")
    }

    /// The text of argument `i`, if it is not null.
    pub fn text(&self, i: usize) -> Option<&str> {
        match self.0.get(i)?.as_ref()?.0 {
            ScalarValue::Utf8View(Some(ref s))
            | ScalarValue::Utf8(Some(ref s))
            | ScalarValue::LargeUtf8(Some(ref s)) => Some(s),
            _ => None,
        }
    }

    /// The integer at argument `i`.
    pub fn long(&self, i: usize) -> Option<i64> {
        match self.0.get(i)?.as_ref()?.0 {
            ScalarValue::Int64(v) => v,
            ScalarValue::Int32(v) => v.map(i64::from),
            _ => None,
        }
    }

    /// The number of arguments of the call.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the call has no arguments.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How a function compiles its constants, and what it has compiled.
#[derive(Clone)]
pub(super) struct Compiler {
    pub(super) at: &'static [usize],
    pub(super) make: fn(&Consts) -> Result<Body>,
    kept: Arc<Mutex<Vec<(Consts, Body)>>>,
}

impl Compiler {
    pub(super) fn new(at: &'static [usize], make: fn(&Consts) -> Result<Body>) -> Self {
        Compiler { at, make, kept: Arc::default() }
    }

    /// The constants that this call's arguments offer; `None` where one that is needed is not constant.
    pub(super) fn consts<'s>(&self, args: usize, get: impl Fn(usize) -> Option<&'s ScalarValue>) -> Option<Consts> {
        let mut all = vec![None; args];
        for &i in self.at.iter().filter(|&&i| i < args) {
            all[i] = Some(Const(get(i)?.clone()));
        }
        Some(Consts(all))
    }

    /// The body for these constants: compiled now, or kept from an earlier call.
    pub(super) fn body(&self, consts: &Consts) -> Result<Body> {
        let Ok(mut kept) = self.kept.lock() else {
            return exec_err!("a function failed while compiling its constants");
        };
        if let Some((_, body)) = kept.iter().find(|(c, _)| c == consts) {
            return Ok(body.clone());
        }
        let body = (self.make)(consts)?;
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push((consts.clone(), body.clone()));
        Ok(body)
    }
}

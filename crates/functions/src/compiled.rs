//! Regular expressions that have been compiled, kept for those who compile the same ones again: a query's are compiled
//! when it is checked, when it is planned and when it runs, and a pack's tests plan the same queries a hundred times.

use regex::Regex;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How many are kept. Compiled ones take from some kilobytes to some hundreds.
const KEPT: usize = 512;

/// Compiled expressions by their text.
#[derive(Debug, Default)]
pub(crate) struct Compiled(Mutex<Option<HashMap<String, Regex>>>);

impl Compiled {
    pub(crate) const fn new() -> Self {
        Compiled(Mutex::new(None))
    }

    /// The expression of that text: a copy with its own room to work in, so that threads do not wait for each other.
    pub(crate) fn get(&self, text: &str, compile: impl FnOnce() -> Result<Regex, String>) -> Result<Regex, String> {
        if let Some(found) = self.lock().as_ref().and_then(|all| all.get(text)) {
            return Ok(found.clone());
        }
        let compiled = compile()?;
        let mut all = self.lock();
        let all = all.get_or_insert_default();
        if all.len() >= KEPT {
            // Which of them will be asked for again nobody knows.
            all.clear();
        }
        all.insert(text.to_owned(), compiled.clone());
        Ok(compiled)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<HashMap<String, Regex>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_compiled_once() {
        let (all, mut times, a) = (Compiled::new(), 0, Regex::new("a+").unwrap());
        for _ in 0..3 {
            let compile = || {
                times += 1;
                Ok(a.clone())
            };
            assert!(all.get("a+", compile).is_ok_and(|r| r.is_match("caat")));
        }
        assert_eq!(times, 1);
        assert_eq!(all.get("(", || Err("open".to_owned())).map(|_| ()), Err("open".to_owned()));
        (0..KEPT * 2).for_each(|i| _ = all.get(&i.to_string(), || Ok(a.clone())));
        assert!(all.lock().as_ref().is_some_and(|all| all.len() <= KEPT));
    }
}

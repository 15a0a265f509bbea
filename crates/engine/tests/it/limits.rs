//! What a query may use.

use parallax_engine::{Context, Dialect, Error, Limits, Options, Session};
use std::time::Duration;

fn session(limits: Limits) -> Session {
    Session::open(&[], Options { limits, ..Options::default() }).unwrap()
}

fn first_error(session: &Session, kql: &str) -> Option<Error> {
    match session.query(Dialect::Kql, kql, &Context::at(0)) {
        Ok(execution) => execution.rows.filter_map(Result::err).next(),
        Err(e) => Some(e),
    }
}

#[test]
fn a_query_that_takes_too_long_is_stopped() {
    let limit = Duration::from_millis(5);
    let session = session(Limits { timeout: Some(limit), ..Limits::default() });
    let kql = "range x from 1 to 200000 step 1 | summarize make_set(x) by y = x % 100003 | count";
    assert!(matches!(first_error(&session, kql), Some(Error::Timeout(t)) if t == limit));
}

#[test]
fn a_query_that_needs_too_much_is_refused_by_name() {
    let session = session(Limits { memory: Some(1 << 20), ..Limits::default() });
    let kql = "range x from 1 to 400000 step 1 | summarize make_list(strcat('a long text of no use ', tostring(x)))";
    let error = first_error(&session, kql);
    assert!(matches!(error, Some(Error::Memory { .. })), "{error:?}");
}

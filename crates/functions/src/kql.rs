//! The functions of KQL, over its physical types.
//!
//! | KQL | Arrow |
//! |---|---|
//! | bool, int, long, real | Boolean, Int32, Int64, Float64 |
//! | decimal | Decimal128(34, 14) |
//! | string, guid | Utf8View; a string is never null |
//! | datetime | Int64: ticks of 100 ns since 0001-01-01T00:00:00Z |
//! | timespan | Int64: ticks of 100 ns |
//! | dynamic | Utf8View holding JSON; null is SQL null |

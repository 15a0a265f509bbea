//! A session: tables over telemetry, limits, execution, explanation.

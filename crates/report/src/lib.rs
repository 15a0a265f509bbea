//! Findings in the formats that others read, and the HTML report.

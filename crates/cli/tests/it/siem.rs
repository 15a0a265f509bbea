//! `parallax siem`

//! The functions of Sumo Logic search: text is Utf8View, null means that the field is missing.

//! "Did you mean": the nearest known name.

/// The name among `known` that is nearest to `name`, when it is near enough to be what was meant.
///
/// A name that differs only in case always wins; else the Damerau-Levenshtein distance may be a third of the length.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let limit = (wanted.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|k| {
            (
                if k.to_lowercase() == wanted {
                    0
                } else {
                    strsim::damerau_levenshtein(&wanted, &k.to_lowercase()).max(1)
                },
                k,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        // Ties go to the first in dictionary order, so that a message does not change from run to run.
        .min_by(|a, b| a.cmp(b))
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn nearest_name_wins_and_far_ones_do_not() {
        let known = ["FileName", "FolderPath", "Timestamp"];
        assert_eq!(did_you_mean("filename", known), Some("FileName"));
        assert_eq!(did_you_mean("FileNmae", known), Some("FileName"));
        assert_eq!(did_you_mean("Nonsense", known), None);
    }
}

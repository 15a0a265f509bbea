//! Rules in the layout of SigmaHQ's repository.

use super::{File, Published};
use crate::middle::LogSource;
use crate::{Language, Options, convert};
use parallax_diagnostics::Diagnostics;

/// The rule's file: a rule of Sigma as it is, another detection converted.
///
/// # Errors
/// The detection has no form in Sigma.
pub fn sigmahq(published: &Published, language: Language) -> Result<File, Diagnostics> {
    let (detection, losses) = published.read(language, None)?;
    let (text, losses) = if language == Language::Sigma {
        (published.text.clone(), Vec::new())
    } else {
        let converted = convert(&detection, losses, Language::Sigma, &Options::default())?;
        (converted.text, converted.losses)
    };
    Ok(File { path: format!("{}.yml", path(&detection.logs, published)), text, losses })
}

/// `rules/windows/process_creation/proc_creation_win_name`
pub(super) fn path(logs: &LogSource, published: &Published) -> String {
    let category = logs.category.as_deref();
    let product = logs.product.as_deref();
    let folder = match (product, category.or(logs.service.as_deref())) {
        (Some(product), Some(kind)) => format!("rules/{product}/{kind}"),
        (Some(product), None) => format!("rules/{product}"),
        (None, Some(kind)) => format!("rules/category/{kind}"),
        (None, None) => "rules".to_owned(),
    };
    let prefix = match category.unwrap_or_default() {
        "process_creation" => "proc_creation_",
        "network_connection" => "net_connection_",
        "file_event" => "file_event_",
        "image_load" => "image_load_",
        "dns_query" => "dns_query_",
        _ => "",
    };
    let system = match product {
        Some("windows") => "win_",
        Some("linux") => "lnx_",
        Some("macos") => "macos_",
        _ => "",
    };
    let slug = published.slug();
    // A file that is called as SigmaHQ's are keeps its name.
    let name = if !prefix.is_empty() && slug.starts_with(prefix) { slug } else { format!("{prefix}{system}{slug}") };
    format!("{folder}/{name}")
}

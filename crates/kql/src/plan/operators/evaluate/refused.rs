//! Plugins that are known and not run, each with the reason.

use super::SUPPORTED;
use crate::plan::error::{self, Result, error};
use crate::syntax::tree::Call;

const SERVICE: &str = "it needs a service, and nothing here goes over a network";
const RUNTIME: &str = "it runs a program of another language, and none is run here";
const UNPUBLISHED: &str = "how it finds its patterns is not published, so no other engine can give the same rows";
const FUNNEL: &str = "whether other states may stand between the steps of a sequence, and how far off the states \
                      before and after it may be, is not documented";
const UNDOCUMENTED: &str = "it is not documented";
const GEO: &str = "the geographic functions are not supported";

const REFUSED: [(&str, &str); 28] = [
    ("ai_chat_completion", SERVICE),
    ("ai_chat_completion_prompt", SERVICE),
    ("ai_embed_text", SERVICE),
    ("ai_embeddings", SERVICE),
    ("autocluster", UNPUBLISHED),
    ("azure_digital_twins_query_request", SERVICE),
    ("cosmosdb_sql_request", SERVICE),
    ("csharp", RUNTIME),
    ("dax_request", SERVICE),
    ("diffpatterns", UNPUBLISHED),
    ("diffpatterns_text", UNPUBLISHED),
    ("estimate_rows_count", UNDOCUMENTED),
    ("execute_query", SERVICE),
    ("execute_show_command", SERVICE),
    ("external_datatable", UNDOCUMENTED),
    ("funnel_sequence", FUNNEL),
    ("geo_line_lookup", GEO),
    ("geo_polygon_lookup", GEO),
    ("http_request", SERVICE),
    ("http_request_post", SERVICE),
    ("identity_v3", UNDOCUMENTED),
    ("infer_storage_schema", SERVICE),
    ("infer_storage_schema_with_suggestions", SERVICE),
    ("mysql_request", SERVICE),
    ("postgresql_request", SERVICE),
    ("python", RUNTIME),
    ("r", RUNTIME),
    ("sql_request", SERVICE),
];

fn reason(name: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, why)| *why)
}

/// Whether a plugin of that name is known, and refused.
pub(super) fn is_known(name: &str) -> bool {
    reason(name).is_some()
}

pub(super) fn refuse<T>(call: &Call) -> Result<T> {
    let name = call.name.text.as_str();
    let Some(why) = reason(name) else {
        let unknown = error(error::NO_PLUGIN, call.name.span, format!("there is no plugin `{name}`"));
        let known = SUPPORTED.iter().chain(REFUSED.iter().map(|(refused, _)| refused)).copied();
        return Err(Box::new(unknown.suggest(name, known)));
    };
    let refused = error(error::NO_PLUGIN, call.name.span, format!("the plugin `{name}` is not supported: {why}"));
    Err(match why {
        UNPUBLISHED => Box::new((*refused).help("`basket` finds frequent patterns by a published rule")),
        _ => refused,
    })
}

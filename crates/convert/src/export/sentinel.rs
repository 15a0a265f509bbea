//! Analytics rules of Microsoft Sentinel, as its public repository keeps them: YAML.

use super::{File, Published};
use crate::loss::codes;
use crate::sigma::yaml;
use crate::{Language, Loss, Options, convert};
use parallax_diagnostics::Diagnostics;
use parallax_kql::syntax::tree::{
    BinaryOp, Expr, ExprKind, Literal, Naming, Operator, OperatorKind, Query, StatementKind,
};
use std::fmt::Write;

const DAY: i64 = 864_000_000_000;
const HOUR: i64 = DAY / 24;
const MINUTE: i64 = HOUR / 60;

/// The rule. A detection in KQL is taken as it is, another is converted.
///
/// # Errors
/// The query does not parse, or the detection cannot be converted.
pub fn sentinel(published: &Published, language: Language) -> Result<File, Diagnostics> {
    let (query, losses): (String, Vec<Loss>) = if language == Language::Kql {
        (published.text.clone(), Vec::new())
    } else {
        let (mut detection, losses) = published.read(language, None)?;
        // A rule's own keys say what comments would.
        detection.about = parallax_sigma::tree::Meta { fields: detection.about.fields, ..Default::default() };
        let converted = convert(&detection, losses, Language::Kql, &Options::default())?;
        let losses = converted.losses.into_iter().filter(|l| l.code != codes::META);
        (converted.text, losses.collect())
    };
    let tree = parallax_kql::parse(&query)?;
    let mut facts = Facts::default();
    for statement in &tree.statements {
        if let StatementKind::Query(expr) = &statement.kind {
            facts.expr(expr);
        }
    }
    let period = facts.window.unwrap_or(HOUR).max(5 * MINUTE);
    let frequency = period.min(HOUR);
    let mut out = String::new();
    let _ = writeln!(out, "id: {}", published.uuid());
    let _ = writeln!(out, "name: {}", yaml::plain_or_quoted(&published.title));
    let description = if published.description.is_empty() { &published.title } else { &published.description };
    let _ = writeln!(out, "description: |");
    block(&mut out, description);
    let severity = match published.severity.as_str() {
        "informational" => "Informational",
        "low" => "Low",
        "high" | "critical" => "High",
        _ => "Medium",
    };
    let _ = writeln!(out, "severity: {severity}");
    let _ = writeln!(out, "status: Available");
    connectors(&facts.tables, &mut out);
    let _ = writeln!(out, "queryFrequency: {}", length(frequency));
    let _ = writeln!(out, "queryPeriod: {}", length(period));
    let _ = writeln!(out, "triggerOperator: gt");
    let _ = writeln!(out, "triggerThreshold: 0");
    list(&mut out, "tactics", &published.tactics.iter().map(|t| t.replace(' ', "")).collect::<Vec<_>>());
    list(&mut out, "relevantTechniques", &published.techniques);
    let _ = writeln!(out, "query: |");
    block(&mut out, &query);
    entities(&facts.columns(), &mut out);
    let _ = writeln!(out, "version: 1.0.0");
    let _ = writeln!(out, "kind: Scheduled");
    Ok(File { path: format!("{}.yaml", published.slug()), text: out, losses })
}

/// A text over several lines, as it is.
fn block(out: &mut String, text: &str) {
    for line in text.trim_end().lines() {
        let line = line.trim_end();
        let _ = if line.is_empty() { writeln!(out) } else { writeln!(out, "  {line}") };
    }
}

fn list(out: &mut String, key: &str, values: &[String]) {
    if values.is_empty() {
        return;
    }
    let _ = writeln!(out, "{key}:");
    for value in values {
        let _ = writeln!(out, "  - {}", yaml::plain_or_quoted(value));
    }
}

/// `1h`, `1d`, `5m`
fn length(ticks: i64) -> String {
    match ticks {
        t if t % DAY == 0 => format!("{}d", t / DAY),
        t if t % HOUR == 0 => format!("{}h", t / HOUR),
        t => format!("{}m", (t / MINUTE).max(5)),
    }
}

/// What a query says of tables, time and columns.
#[derive(Default)]
struct Facts {
    tables: Vec<String>,
    /// The furthest that it looks back.
    window: Option<i64>,
    /// The columns of the last `project`.
    projected: Option<Vec<String>>,
    extended: Vec<String>,
}

impl Facts {
    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Name(name) => {
                let known = parallax_kql::schema::known(&name.text).is_some();
                if known && !self.tables.contains(&name.text) {
                    self.tables.push(name.text.clone());
                }
            }
            ExprKind::Paren(inner) => self.expr(inner),
            ExprKind::Query(query) => self.query(query),
            ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().for_each(|p| self.condition(p)),
            _ => {}
        }
    }

    fn query(&mut self, query: &Query) {
        if let Some(source) = &query.source {
            self.expr(source);
        }
        query.operators.iter().for_each(|o| self.operator(o));
    }

    fn operator(&mut self, operator: &Operator) {
        match &operator.kind {
            OperatorKind::Where { predicate, .. } => self.condition(predicate),
            OperatorKind::Union { tables, .. } => tables.iter().for_each(|t| self.expr(t)),
            OperatorKind::Join(join) | OperatorKind::Lookup(join) => {
                let kept = self.projected.take();
                self.expr(&join.right);
                self.projected = kept;
            }
            OperatorKind::Project(columns) => {
                let names = columns.iter().filter_map(|c| match (&c.naming, &c.value.kind) {
                    (Naming::One(name), _) => Some(name.text.clone()),
                    (_, ExprKind::Name(name)) => Some(name.text.clone()),
                    _ => None,
                });
                self.projected = Some(names.collect());
                self.extended.clear();
            }
            OperatorKind::Extend(columns) => {
                self.extended.extend(columns.iter().filter_map(|c| match &c.naming {
                    Naming::One(name) => Some(name.text.clone()),
                    _ => None,
                }));
            }
            OperatorKind::Summarize(summarize) => {
                let all = summarize.aggregates.iter().chain(summarize.by.iter().flatten());
                let names = all.filter_map(|c| match (&c.naming, &c.value.kind) {
                    (Naming::One(name), _) => Some(name.text.clone()),
                    (_, ExprKind::Name(name)) => Some(name.text.clone()),
                    _ => None,
                });
                self.projected = Some(names.collect());
                self.extended.clear();
            }
            _ => {}
        }
    }

    /// `Timestamp > ago(1d)`
    fn condition(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::And(parts) => parts.iter().for_each(|p| self.condition(p)),
            ExprKind::Paren(inner) => self.condition(inner),
            ExprKind::Binary { op: BinaryOp::Greater | BinaryOp::GreaterOrEqual, right, .. } => self.ago(right),
            ExprKind::Between { low, .. } => self.ago(low),
            _ => {}
        }
    }

    fn ago(&mut self, expr: &Expr) {
        if let ExprKind::Call(call) = &expr.kind
            && call.name.text == "ago"
            && let [argument] = call.arguments.as_slice()
            && let ExprKind::Literal(Literal::Timespan(Some(ticks))) = &argument.value.kind
        {
            self.window = self.window.max(Some(*ticks));
        }
    }

    /// The columns of the result.
    fn columns(&self) -> Vec<String> {
        let mut columns = match &self.projected {
            Some(projected) => projected.clone(),
            None => {
                let tables = self.tables.first().and_then(|t| parallax_kql::schema::known(t));
                tables.map(|t| t.columns().into_iter().map(|c| c.name).collect()).unwrap_or_default()
            }
        };
        columns.extend(self.extended.iter().cloned());
        columns
    }
}

/// The data connectors that deliver the tables.
fn connectors(tables: &[String], out: &mut String) {
    let connector = |table: &str| match table {
        t if t.starts_with("Device")
            || t.starts_with("Email")
            || t.starts_with("Identity")
            || t.starts_with("Alert") =>
        {
            "MicrosoftThreatProtection"
        }
        "SecurityEvent" => "SecurityEvents",
        "WindowsEvent" => "WindowsForwardedEvents",
        "Event" => "WindowsSecurityEvents",
        "Syslog" => "Syslog",
        "SigninLogs" | "AuditLogs" => "AzureActiveDirectory",
        "AzureActivity" => "AzureActivity",
        "OfficeActivity" => "Office365",
        "AWSCloudTrail" => "AWS",
        _ => "",
    };
    let mut known: Vec<(&str, Vec<&str>)> = Vec::new();
    for table in tables {
        let id = connector(table);
        match known.iter_mut().find(|(c, _)| *c == id) {
            _ if id.is_empty() => {}
            Some((_, tables)) => tables.push(table),
            None => known.push((id, vec![table])),
        }
    }
    if known.is_empty() {
        let _ = writeln!(out, "requiredDataConnectors: []");
        return;
    }
    let _ = writeln!(out, "requiredDataConnectors:");
    for (id, tables) in known {
        let _ = writeln!(out, "  - connectorId: {id}\n    dataTypes:");
        for table in tables {
            let _ = writeln!(out, "      - {table}");
        }
    }
}

/// An identifier of an entity, and the columns that may hold it, the preferred first.
type Identifier = (&'static str, &'static [&'static str]);

/// Kinds of entities and their identifiers. A hash is none: its algorithm would have to be a column too.
const ENTITIES: [(&str, &[Identifier]); 5] = [
    ("Host", &[("FullName", &["DeviceName", "Computer", "HostName"])]),
    (
        "Account",
        &[
            ("Name", &["AccountName", "TargetUserName", "SubjectUserName", "InitiatingProcessAccountName"]),
            ("NTDomain", &["AccountDomain", "InitiatingProcessAccountDomain"]),
            ("FullName", &["User", "Account"]),
        ],
    ),
    (
        "Process",
        &[
            ("CommandLine", &["ProcessCommandLine", "CommandLine", "InitiatingProcessCommandLine"]),
            ("ProcessId", &["ProcessId", "InitiatingProcessId"]),
        ],
    ),
    ("File", &[("Name", &["FileName", "InitiatingProcessFileName"]), ("Directory", &["FolderPath"])]),
    ("IP", &[("Address", &["RemoteIP", "IpAddress", "IPAddress", "SourceIpAddress"])]),
];

/// Entities of columns: the first of each kind that the result has.
fn entities(columns: &[String], out: &mut String) {
    let mut text = String::new();
    for (kind, identifiers) in ENTITIES {
        let found: Vec<(&str, &String)> = identifiers
            .iter()
            .filter_map(|(id, names)| Some((*id, names.iter().find_map(|n| columns.iter().find(|c| c == n))?)))
            .collect();
        if found.is_empty() {
            continue;
        }
        let _ = writeln!(text, "  - entityType: {kind}\n    fieldMappings:");
        for (identifier, column) in found.into_iter().take(3) {
            let _ = writeln!(text, "      - identifier: {identifier}\n        columnName: {column}");
        }
    }
    if !text.is_empty() {
        let _ = write!(out, "entityMappings:\n{text}");
    }
}

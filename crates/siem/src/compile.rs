//! Rules to conditions and texts over records, and to what watches them.

use crate::rule::{Aggregate, Function, Kind, MatchList, Rule, Rules, Template, Tuning};
use crate::watch::{self, Group, Place, Watch};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, lit};
use parallax_diagnostics::{Diagnostic, Diagnostics, Severity, Span};
use parallax_engine::RecordsAsked;
use parallax_sumo::siem::{self, Bound, Names, Scope, Switches, Ty};
use parallax_telemetry::ColumnType;
use parallax_telemetry::view::{record_attribute, record_attributes};
use std::collections::{BTreeSet, HashMap};

/// A text of a rule and what is to be said about it.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// The rule's id.
    pub rule: String,
    /// Which text: `expression`, `entity_selectors`, …
    pub place: &'static str,
    /// The text.
    pub text: String,
    /// What is wrong with it, or worth knowing.
    pub diagnostics: Diagnostics,
}

impl Wrong {
    /// Whether it keeps the rule from running.
    pub fn refuses(&self) -> bool {
        self.diagnostics.has_errors()
    }
}

/// What makes Signals of a rule.
pub(crate) struct Ready {
    pub(crate) rule: Rule,
    pub(crate) entities: Vec<(String, Place)>,
    pub(crate) name: Template,
    pub(crate) summary: Template,
    pub(crate) description: Template,
    pub(crate) severity: Option<Place>,
    pub(crate) watch: Watch,
}

/// Rules that are ready to run.
pub struct Compiled {
    pub(crate) asked: RecordsAsked,
    pub(crate) ready: Vec<Ready>,
    /// The place of each expression's text.
    pub(crate) places: HashMap<String, Place>,
    /// Errors of rules that do not run, and warnings.
    pub said: Vec<Wrong>,
    /// Attributes that rules read and nothing here fills.
    pub unfilled: BTreeSet<String>,
}

impl Compiled {
    /// Compiles the rules that are enabled, each with the tuning expressions that it is joined to. A rule that cannot
    /// run is told in [`Compiled::said`] and left out.
    pub fn new(rules: Rules, switches: Switches) -> Self {
        let compiled = Compiled {
            asked: RecordsAsked::default(),
            ready: Vec::new(),
            places: HashMap::new(),
            said: Vec::new(),
            unfilled: BTreeSet::new(),
        };
        let mut compiler = Compiler {
            compiled,
            switches,
            reads: HashMap::new(),
            rule: String::new(),
            attributes: Attributes { lists: !rules.lists.is_empty() },
        };
        compiler.lists(&rules.lists);
        for rule in rules.rules.into_iter().filter(|r| r.enabled) {
            compiler.rule.clone_from(&rule.id);
            let before = (compiler.compiled.asked.conditions.len(), compiler.compiled.said.len());
            if let Some(ready) = compiler.rule(rule, &rules.tunings) {
                compiler.compiled.ready.push(ready);
            } else {
                compiler.compiled.asked.conditions.truncate(before.0);
            }
        }
        compiler.compiled
    }

    /// How many rules run.
    pub fn len(&self) -> usize {
        self.ready.len()
    }

    /// Whether no rule runs.
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }
}

struct Compiler {
    compiled: Compiled,
    switches: Switches,
    reads: HashMap<String, ()>,
    rule: String,
    attributes: Attributes,
}

/// The attribute that says on which match lists a record's values stand.
const LIST_MATCHES: &str = "listMatches";

/// The attributes of records. Any name may be asked for; one that nothing fills is missing text.
#[derive(Clone, Copy)]
struct Attributes {
    /// Whether there are match lists.
    lists: bool,
}

impl Names for Attributes {
    fn ty(&self, name: &str) -> Option<Ty> {
        Some(match record_attribute(name) {
            Some(ColumnType::Bool) => Ty::Bool,
            Some(ColumnType::Long) => Ty::Whole,
            Some(ColumnType::Real) => Ty::Number,
            _ => Ty::Text,
        })
    }

    fn filled(&self, name: &str) -> bool {
        record_attribute(name).is_some() || (self.lists && name == LIST_MATCHES)
    }

    fn all(&self) -> Vec<String> {
        record_attributes().map(|(name, ..)| name.to_owned()).collect()
    }
}

/// The results of a rule's aggregates.
struct Results<'a>(&'a [Function]);

impl Names for Results<'_> {
    fn ty(&self, name: &str) -> Option<Ty> {
        let function = self.0.iter().find(|f| f.name == name)?;
        Some(if matches!(function.aggregate, Aggregate::First | Aggregate::Last) { Ty::Text } else { Ty::Number })
    }

    fn all(&self) -> Vec<String> {
        self.0.iter().map(|f| f.name.clone()).collect()
    }
}

impl Compiler {
    fn rule(&mut self, rule: Rule, tunings: &[Tuning]) -> Option<Ready> {
        let joined = |t: &&Tuning| t.rules.as_ref().is_none_or(|ids| ids.contains(&rule.id));
        let tunings: Vec<&Tuning> = tunings.iter().filter(joined).collect();
        let watch = self.watch(&rule, &tunings);
        let entities = rule.entities.iter();
        let entities = all(entities.map(|e| Some((e.kind.clone(), self.text("entity_selectors", &e.expression)?))));
        let templates = [&rule.signal_name, &rule.summary, &rule.description].map(|text| Template::parse(text));
        for name in templates.iter().flat_map(Template::expressions) {
            // A name that is no expression stays empty; that is said.
            let _ = self.text("template", name);
        }
        let severity = match &rule.severity.field {
            Some(field) => Some(self.text("score_mapping", field)?),
            None => None,
        };
        let [name, summary, description] = templates;
        Some(Ready { watch: watch?, entities: entities?, name, summary, description, severity, rule })
    }

    fn watch(&mut self, rule: &Rule, tunings: &[&Tuning]) -> Option<Watch> {
        Some(match &rule.kind {
            Kind::Match { expression } => Watch::matching(self.condition("expression", expression, tunings)?),
            Kind::Threshold { expression, limit, window, group_by, distinct } => {
                let condition = self.condition("expression", expression, tunings)?;
                let distinct = match distinct {
                    Some(field) => Some(self.text("count_field", field)?),
                    None => None,
                };
                let group = self.group(group_by, true)?;
                Watch::Threshold(watch::Threshold::new(condition, *limit, *window, group, distinct))
            }
            Kind::Chain { steps, ordered, window, group_by } => {
                let steps = steps.iter().map(|(expression, limit)| {
                    Some((self.condition("expressions_and_limits", expression, tunings)?, *limit))
                });
                let steps = all(steps)?;
                Watch::Chain(watch::Chain::new(steps, *ordered, *window, self.group(group_by, true)?))
            }
            Kind::Aggregation { expression, functions, trigger, window, group_by, by_entity } => {
                let condition = self.condition("match_expression", expression, tunings)?;
                let arguments = self.arguments(functions)?;
                let trigger = self.trigger(functions, trigger)?;
                let group = self.group(group_by, *by_entity)?;
                Watch::Aggregation(Box::new(watch::Aggregation::new(condition, arguments, trigger, *window, group)))
            }
            Kind::FirstSeen { expression, values, group_by, baseline, retention } => {
                let condition = self.condition("filter_expression", expression, tunings)?;
                let values = all(values.iter().map(|v| self.text("value_fields", v)))?;
                let group = self.group(group_by, false)?;
                Watch::FirstSeen(watch::FirstSeen::new(condition, values, group, *baseline, *retention))
            }
            Kind::Outlier { expression, function, window, group_by, baseline, retention, deviations, floor } => {
                let condition = self.condition("match_expression", expression, tunings)?;
                let (aggregate, argument) = self.arguments(std::slice::from_ref(function))?.remove(0);
                let group = self.group(group_by, false)?;
                let model = watch::Model {
                    window: *window,
                    baseline: *baseline,
                    retention: *retention,
                    deviations: *deviations,
                    floor: *floor,
                };
                Watch::Outlier(Box::new(watch::Outlier::new(condition, aggregate, argument, group, model)))
            }
        })
    }

    fn group(&mut self, fields: &[String], by_entity: bool) -> Option<Group> {
        let fields = all(fields.iter().map(|f| self.text("group_by_fields", f)))?;
        Some(Group { by_entity, fields })
    }

    /// The arguments of aggregates, as texts; what is counted is true or false.
    fn arguments(&mut self, functions: &[Function]) -> Option<Vec<(Aggregate, Place)>> {
        all(functions.iter().map(|f| Some((f.aggregate, self.text("aggregation_functions", &f.argument)?))))
    }

    fn trigger(&mut self, functions: &[Function], text: &str) -> Option<watch::Trigger> {
        let bound = self.bind("trigger_expression", text, &Results(functions))?;
        match watch::Trigger::new(functions, &bound) {
            Ok(trigger) => Some(trigger),
            Err(why) => {
                let d = Diagnostic::error("CSE0199", Span::at(0), format!("this could not be planned: {why}"));
                self.say("trigger_expression", text, d.into());
                None
            }
        }
    }

    /// The place of a condition, with the tuning expressions joined to it.
    fn condition(&mut self, place: &'static str, text: &str, tunings: &[&Tuning]) -> Option<Place> {
        let bound = self.bind(place, text, &{ self.attributes })?;
        let mut condition = bound.condition();
        self.read(&bound);
        for tuning in tunings {
            let bound = self.bind("tuning expression", &tuning.expression, &{ self.attributes })?;
            self.read(&bound);
            let more = bound.condition();
            condition = condition.and(if tuning.exclude { Expr::Not(Box::new(more)) } else { more });
        }
        self.compiled.asked.conditions.push(condition);
        Some(self.compiled.asked.conditions.len() - 1)
    }

    /// The place of an expression's text.
    fn text(&mut self, place: &'static str, text: &str) -> Option<Place> {
        if let Some(known) = self.compiled.places.get(text) {
            return Some(*known);
        }
        let bound = self.bind(place, text, &{ self.attributes })?;
        self.read(&bound);
        self.compiled.asked.texts.push(bound.text());
        let new = self.compiled.asked.texts.len() - 1;
        self.compiled.places.insert(text.to_owned(), new);
        Some(new)
    }

    fn bind(&mut self, place: &'static str, text: &str, names: &dyn Names) -> Option<Bound> {
        let scope = Scope { names, switches: self.switches };
        let found = siem::parse(text).and_then(|tree| siem::plan(&tree, &scope));
        match found {
            Ok(bound) => {
                let (notes, rest): (Vec<_>, Vec<_>) =
                    bound.diagnostics.iter().cloned().partition(|d| d.severity == Severity::Note);
                if !notes.is_empty() {
                    self.compiled.unfilled.extend(bound.reads.iter().filter(|r| !self.attributes.filled(r)).cloned());
                }
                self.say(place, text, Diagnostics(rest));
                Some(bound)
            }
            Err(diagnostics) => {
                self.say(place, text, diagnostics);
                None
            }
        }
    }

    fn say(&mut self, place: &'static str, text: &str, diagnostics: Diagnostics) {
        let known = |w: &Wrong| w.rule == self.rule && w.text == text && w.diagnostics == diagnostics;
        if !diagnostics.is_empty() && !self.compiled.said.iter().any(known) {
            let (rule, text) = (self.rule.clone(), text.to_owned());
            self.compiled.said.push(Wrong { rule, place, text, diagnostics });
        }
    }

    /// Fills the attribute of match lists: their items are compared with values when a record comes in.
    fn lists(&mut self, lists: &[MatchList]) {
        if lists.is_empty() {
            return;
        }
        let mut fields: Vec<String> = Vec::new();
        let definitions = lists.iter().map(|list| {
            list.definition(|field| {
                let known = fields.iter().position(|f| f == field);
                // The first argument is the lists.
                1 + known.unwrap_or_else(|| {
                    fields.push(field.to_owned());
                    fields.len() - 1
                })
            })
        });
        let definitions = serde_json::Value::Array(definitions.collect()).to_string();
        let mut arguments = vec![Expr::Literal(ScalarValue::Utf8View(Some(definitions)), None)];
        let scope = self.attributes;
        for field in &fields {
            let Some(bound) = self.bind("matchLists", field, &scope) else { return };
            self.read(&bound);
            arguments.push(bound.text());
        }
        let function = parallax_functions::sumo::scalar("sumo_listmatches").expect("a function of ours");
        let matches = Expr::ScalarFunction(ScalarFunction::new_udf(function, arguments));
        self.compiled.asked.derived.push((LIST_MATCHES.to_owned(), matches));
        // It is computed, not read.
        self.reads.insert(LIST_MATCHES.to_owned(), ());
    }

    fn read(&mut self, bound: &Bound) {
        for name in &bound.reads {
            if self.reads.insert(name.clone(), ()).is_none() {
                self.compiled.asked.reads.push(name.clone());
            }
        }
    }
}

/// All of them, or nothing; each is looked at, so that all that is wrong is told at once.
fn all<T>(each: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    each.collect::<Vec<_>>().into_iter().collect()
}

/// A condition that holds for nothing, for a reading without rules.
pub(crate) fn nothing() -> Expr {
    lit(false)
}

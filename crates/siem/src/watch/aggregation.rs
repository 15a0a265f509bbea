//! A condition over aggregates of a window.

use super::aggregate::{Running, Value};
use super::{Firing, Group, Key, Look, Place, latest, nanos};
use crate::rule::{Aggregate, Function};
use crate::signal::RecordRef;
use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::DFSchema;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;
use parallax_sumo::siem::Bound;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// The condition on what was computed.
pub(crate) struct Trigger {
    schema: SchemaRef,
    /// The function whose result each column is.
    columns: Vec<usize>,
    condition: Arc<dyn PhysicalExpr>,
}

impl Trigger {
    pub(crate) fn new(functions: &[Function], bound: &Bound) -> datafusion::common::Result<Self> {
        let place = |name: &String| functions.iter().position(|f| f.name == *name).unwrap_or_default();
        let columns: Vec<usize> = bound.reads.iter().map(place).collect();
        let ty = |f: &Function| match f.aggregate {
            Aggregate::First | Aggregate::Last => DataType::Utf8View,
            _ => DataType::Float64,
        };
        let fields: Vec<Field> =
            bound.reads.iter().zip(&columns).map(|(name, i)| Field::new(name, ty(&functions[*i]), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let named = DFSchema::try_from_qualified_schema(parallax_sumo::siem::plan::RECORDS, &schema)?;
        let condition = SessionContext::new().create_physical_expr(bound.condition(), &named)?;
        Ok(Trigger { schema, columns, condition })
    }

    /// A result that cannot be compared is no reason to fire.
    fn holds(&self, values: &[Running]) -> bool {
        let column = |i: &usize| -> ArrayRef {
            match values[*i].value() {
                Value::Number(n) => Arc::new(Float64Array::from(vec![n])),
                Value::Text(text) => Arc::new(StringViewArray::from(vec![text.as_deref()])),
            }
        };
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let columns = self.columns.iter().map(column).collect();
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options);
        let found = batch.ok().and_then(|b| self.condition.evaluate(&b).ok()).and_then(|v| v.into_array(1).ok());
        found.is_some_and(|a| a.as_boolean_opt().is_some_and(|b| b.is_valid(0) && b.value(0)))
    }
}

pub(crate) struct Aggregation {
    pub(super) condition: Place,
    arguments: Vec<(Aggregate, Place)>,
    trigger: Trigger,
    window: i64,
    group: Group,
    open: HashMap<Key, Open>,
}

/// What the functions are given of a record.
type Given = Vec<Option<Box<str>>>;

struct Open {
    records: VecDeque<(i64, Given, RecordRef)>,
    values: Vec<Running>,
}

impl Open {
    fn new(arguments: &[(Aggregate, Place)]) -> Self {
        let values = arguments.iter().map(|(aggregate, _)| Running::new(*aggregate)).collect();
        Open { records: VecDeque::new(), values }
    }

    fn change(&mut self, arguments: &[Option<Box<str>>], in_: bool) {
        for (running, argument) in self.values.iter_mut().zip(arguments) {
            running.change(argument.as_deref(), in_);
        }
    }
}

impl Aggregation {
    pub(crate) fn new(
        condition: Place,
        arguments: Vec<(Aggregate, Place)>,
        trigger: Trigger,
        window: i64,
        group: Group,
    ) -> Self {
        Aggregation { condition, arguments, trigger, window: nanos(window), group, open: HashMap::new() }
    }

    pub(super) fn look(&mut self, look: &mut Look<'_, '_>) {
        let Some(time) = look.record.time() else { return };
        let given: Given = self.arguments.iter().map(|(_, place)| look.record.text(*place).map(Box::from)).collect();
        for (key, entities) in self.group.parts(look.record, look.entities) {
            let open = self.open.entry(key).or_insert_with(|| Open::new(&self.arguments));
            let oldest = time.saturating_sub(self.window);
            while let Some((_, old, _)) = open.records.pop_front_if(|(time, ..)| *time < oldest) {
                open.change(&old, false);
            }
            open.change(&given, true);
            open.records.push_back((time, given.clone(), look.record.reference(look.sources)));
            if !self.trigger.holds(&open.values) {
                continue;
            }
            let records = latest(open.records.iter().map(|(_, _, r)| r));
            let count = open.records.len() as u64;
            *open = Open::new(&self.arguments);
            for entity in entities {
                (look.fire)(Firing { entity, count, records: records.clone() });
            }
        }
    }

    pub(super) fn forget(&mut self, now: i64) {
        let oldest = now.saturating_sub(self.window);
        self.open.retain(|_, open| open.records.back().is_some_and(|(time, ..)| *time >= oldest));
    }
}

//! What the names of a row mean, remembered: the rows of one product repeat their names in their order.

use super::decode::raw;
use super::shape::{Seen, Shape, depends_on_value};
use super::tables::{Act, top};
use crate::formats::windows::compiled::Compiled;
use crate::formats::windows::gather::Gather;
use crate::formats::windows::vocabulary::Sys;
use std::borrow::Cow;

/// An object's entries: names, and values as they stand.
type Entries<'e, 'a> = &'e [(Cow<'a, str>, &'a str)];

/// So many different rows of names are remembered.
const SLOTS: usize = 64;

/// The rows of names that were met.
#[derive(Default)]
pub(crate) struct Layouts {
    slots: Vec<Option<Layout>>,
}

/// A row of names.
pub(crate) struct Layout {
    names: Vec<Box<str>>,
    /// What the names alone say of the shape.
    seen: Seen,
    /// The places of names whose values decide too.
    checks: Vec<usize>,
    /// For the last shape what to do at each place.
    steps: Option<(Shape, Vec<Step>)>,
}

/// What to do with a value.
pub(super) enum Step {
    Skip,
    Property(Sys),
    /// It is a field of the event's data: the slots that ask for it, each with whether its name is the same to the letter.
    Data(Box<[(u16, bool)]>),
    /// It takes a look at the value.
    Other,
}

impl Layouts {
    /// The layout of a row.
    pub(crate) fn of(&mut self, entries: Entries<'_, '_>) -> &mut Layout {
        let mix = |h: u32, name: &str| {
            let last = name.as_bytes().last().copied().unwrap_or_default();
            h.rotate_left(5) ^ (name.len() as u32) << 8 ^ u32::from(last)
        };
        let hash = entries.iter().fold(0, |h, (name, _)| mix(h, name)).wrapping_mul(0x9E37_79B1);
        let slot = hash as usize >> 16 & (SLOTS - 1);
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, || None);
        }
        let slot = &mut self.slots[slot];
        if !slot.as_ref().is_some_and(|layout| layout.is_of(entries)) {
            *slot = None;
        }
        slot.get_or_insert_with(|| Layout::new(entries))
    }
}

impl Layout {
    fn new(entries: Entries<'_, '_>) -> Self {
        let (mut seen, mut checks) = (Seen::default(), Vec::new());
        for (place, (name, value)) in entries.iter().enumerate() {
            match depends_on_value(name) {
                true => checks.push(place),
                false => _ = seen.take(name, value, 0),
            }
        }
        let names = entries.iter().map(|(name, _)| Box::from(&**name)).collect();
        Layout { names, seen, checks, steps: None }
    }

    fn is_of(&self, entries: Entries<'_, '_>) -> bool {
        self.names.len() == entries.len() && self.names.iter().zip(entries).all(|(known, (name, _))| **known == **name)
    }

    /// The shape of a row of this layout, as [`Shape::of_entries`] tells it.
    pub(crate) fn shape(&self, entries: Entries<'_, '_>) -> Option<Shape> {
        let mut seen = self.seen.clone();
        for (name, value) in self.checks.iter().filter_map(|place| entries.get(*place)) {
            if let Some(shape) = seen.take(name, value, 0) {
                return Some(shape);
            }
        }
        seen.shape()
    }

    /// What to do at each place of a row of that shape.
    pub(super) fn steps(&mut self, shape: Shape, compiled: &Compiled) -> &[Step] {
        if self.steps.as_ref().is_some_and(|(of, _)| *of != shape) {
            self.steps = None;
        }
        let steps = || self.names.iter().map(|name| Step::new(name, shape, compiled)).collect();
        &self.steps.get_or_insert_with(|| (shape, steps())).1
    }
}

impl Step {
    fn new(name: &str, shape: Shape, compiled: &Compiled) -> Self {
        if name.contains('.') {
            return Step::Other;
        }
        match top(shape)(name) {
            Act::Skip => Step::Skip,
            Act::Property(sys) => Step::Property(sys),
            // Sysmon's own time is kept whether or not it is asked for.
            Act::Data if !compiled.all && !name.eq_ignore_ascii_case("UtcTime") => {
                Step::Data(compiled.slots(name).collect())
            }
            Act::Data | Act::Under(..) | Act::Fields | Act::UserFields | Act::Inner => Step::Other,
        }
    }

    /// Does it; `false` where the value is to be looked at.
    #[inline]
    pub(super) fn take<'a>(&self, value: &'a str, gather: &mut Gather<'a, '_>) -> bool {
        match self {
            Step::Skip => {}
            Step::Property(sys) => gather.sys(*sys, raw(value)),
            Step::Data(slots) => slots.iter().for_each(|(slot, exact)| gather.take(*slot, raw(value), *exact)),
            Step::Other => return false,
        }
        true
    }
}

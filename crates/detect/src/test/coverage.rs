//! Which hostile cases are caught, by whom: each way of doing the attack against the detections of each role and dialect.

use super::case::{Actual, CaseResult};
use crate::pack::{Case, CaseKind, Pack, Role};

/// Which hostile cases are caught.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// The columns: the detections of a role, together and by their dialects.
    pub groups: Vec<Group>,
    /// The rows: ways of doing the attack, in the order of the pack.
    pub methods: Vec<Method>,
    /// All hostile cases, for each group.
    pub total: Vec<Tally>,
    /// For each detection that ran: its id and its cases.
    pub detections: Vec<(String, Tally)>,
}

/// Detections that are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Their role.
    pub role: Option<Role>,
    /// Their dialect; any where it is not given.
    pub dialect: Option<String>,
}

/// A way of doing the attack.
#[derive(Clone, Debug)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// The cases.
    pub cases: Vec<String>,
    /// For each group.
    pub caught: Vec<Tally>,
    /// The detections that catch a case of it at least.
    pub by: Vec<String>,
}

/// Cases that are caught, of those that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Something was found.
    pub caught: usize,
    /// The telemetry offers what one of the detections reads at least.
    pub applicable: usize,
    /// All.
    pub cases: usize,
}

impl Tally {
    /// The part of all cases that is caught, in percent, rounded down: 100 means all.
    pub fn percent(self) -> usize {
        (self.caught * 100).checked_div(self.cases).unwrap_or(0)
    }
}

/// The coverage of the hostile ones among the cases.
pub fn coverage(pack: &Pack, cases: &[&Case], results: &[CaseResult]) -> Coverage {
    let hostile: Vec<(&Case, &CaseResult)> =
        cases.iter().copied().zip(results).filter(|(c, _)| c.kind == CaseKind::Attack).collect();
    let ran = |index: usize| results.iter().flat_map(|r| &r.detections).any(|d| d.index == index);
    let members: Vec<usize> = (0..pack.detections.len()).filter(|i| ran(*i)).collect();
    let mut groups: Vec<Group> = Vec::new();
    for role in [Some(Role::Published), Some(Role::Hardened), None] {
        let of: Vec<_> = members.iter().map(|i| &pack.detections[*i]).filter(|d| d.role == role).collect();
        if of.is_empty() {
            continue;
        }
        groups.push(Group { role, dialect: None });
        for dialect in ["kql", "sumo", "sigma"] {
            let some = of.iter().filter(|d| d.dialect == dialect).count();
            if some > 0 && some < of.len() {
                groups.push(Group { role, dialect: Some(dialect.to_owned()) });
            }
        }
    }
    let in_group = |g: &Group, index: usize| {
        let d = &pack.detections[index];
        d.role == g.role && g.dialect.as_ref().is_none_or(|x| *x == d.dialect)
    };
    let mut methods: Vec<Method> = Vec::new();
    for (case, result) in &hostile {
        let name = pack.method(case);
        let at = methods.iter().position(|m| m.name == name).unwrap_or_else(|| {
            let caught = vec![Tally::default(); groups.len()];
            methods.push(Method { name: name.to_owned(), cases: Vec::new(), caught, by: Vec::new() });
            methods.len() - 1
        });
        let method = &mut methods[at];
        method.cases.push(case.id.clone());
        for (tally, group) in method.caught.iter_mut().zip(&groups) {
            count(tally, result, &|index| in_group(group, index));
        }
        for d in result.detections.iter().filter(|d| d.actual.fired()) {
            if !method.by.contains(&d.detection) {
                method.by.push(d.detection.clone());
            }
        }
    }
    let sum = |of: &dyn Fn(usize) -> bool| {
        let mut tally = Tally::default();
        hostile.iter().for_each(|(_, result)| count(&mut tally, result, of));
        tally
    };
    let total = groups.iter().map(|g| sum(&|index| in_group(g, index))).collect();
    let detections = members.iter().map(|i| (pack.detections[*i].id.clone(), sum(&|index| index == *i))).collect();
    Coverage { groups, methods, total, detections }
}

fn count(tally: &mut Tally, result: &CaseResult, of: &dyn Fn(usize) -> bool) {
    let members: Vec<_> = result.detections.iter().filter(|d| of(d.index)).collect();
    tally.cases += 1;
    tally.caught += usize::from(members.iter().any(|d| d.actual.fired()));
    tally.applicable += usize::from(members.iter().any(|d| d.actual != Actual::NotApplicable));
}

//! One test as an expression of KQL.

use super::quoted;
use crate::layout::Doc;
use crate::loss::{Effect, Losses, codes, refuse};
use crate::middle::{Case, Field, Is, Order, Test, TimePart};
use crate::missing;
use crate::names::{Place, Table, Type};
use crate::pattern::{self, Shape};
use parallax_diagnostics::Diagnostic;
use parallax_sigma::tree::Part;

/// The table that tests are written for.
pub(super) struct Over<'a> {
    pub(super) name: &'a str,
    pub(super) table: &'a Table,
    /// Texts that are missing where the source was written for.
    pub(super) source: Vec<String>,
    /// Texts that are empty in the table: the empty one, and its spellings of nothing.
    pub(super) nothing: Vec<String>,
}

impl Over<'_> {
    /// Where a field stands.
    pub(super) fn place(&self, field: &Field) -> Option<Place> {
        self.table.place(self.name, field)
    }

    /// The expression of a test. `negated`: whether it stands under an odd number of negations.
    pub(super) fn test(&self, test: &Test, negated: bool, losses: &mut Losses) -> Result<Doc, Diagnostic> {
        let Some(field) = &test.field else { return self.keyword(test, negated, losses) };
        let Some(place) = self.place(field) else {
            return Err(refuse(
                codes::NO_FIELD,
                test.at,
                format!("`{}` has no column for the field `{}`", self.name, field.name),
            ));
        };
        if let Some(lost) = &place.lost {
            losses.add(codes::FIELD, Effect::Either, test.at, format!("`{}`: {lost}", field.name));
        }
        match place.ty {
            Type::Text => self.text(test, &place.text, negated, losses),
            Type::Bool => Ok(self.boolean(test, &place.text)),
            _ => self.number(test, &place, negated, losses),
        }
    }

    fn text(&self, test: &Test, column: &str, negated: bool, losses: &mut Losses) -> Result<Doc, Diagnostic> {
        let leaf = |text: String| Ok(Doc::Leaf(text));
        let doc = match &test.is {
            Is::Like(p) => return self.like(test, column, negated, losses, p),
            Is::Matches(regex) => {
                let text = pattern::with_flags(regex);
                runs(&text, test)?;
                leaf(format!("{column} matches regex {}", quoted(&text)))
            }
            Is::Term(term) => {
                let word = match (term.start, term.end, term.case) {
                    (true, true, Case::Ignored) => "has",
                    (true, true, Case::Counts) => "has_cs",
                    (true, false, Case::Ignored) => "hasprefix",
                    (true, false, Case::Counts) => "hasprefix_cs",
                    (false, true, Case::Ignored) => "hassuffix",
                    (false, true, Case::Counts) => "hassuffix_cs",
                    (false, false, Case::Ignored) => "contains",
                    (false, false, Case::Counts) => "contains_cs",
                };
                leaf(format!("{column} {word} {}", quoted(&term.text)))
            }
            Is::In(network) => {
                let function = if network.address.is_ipv4() { "ipv4_is_in_range" } else { "ipv6_is_match" };
                let call = format!("{function}({column}, \"{}/{}\")", network.address, network.bits);
                return leaf(two_valued(&call, negated));
            }
            Is::Compares(order, number) => {
                return leaf(compares(&format!("toreal({column})"), *order, *number, negated));
            }
            Is::Field(part, other, case) => {
                let Some(place) = self.place(other).filter(|p| p.ty == Type::Text) else {
                    let message = format!("`{}` has no text column for the field `{}`", self.name, other.name);
                    return Err(refuse(codes::NO_FIELD, test.at, message));
                };
                let word = match (part, case) {
                    (Part::Whole, Case::Ignored) => "=~",
                    (Part::Whole, Case::Counts) => "==",
                    (Part::Somewhere, Case::Ignored) => "contains",
                    (Part::Somewhere, Case::Counts) => "contains_cs",
                    (Part::Start, Case::Ignored) => "startswith",
                    (Part::Start, Case::Counts) => "startswith_cs",
                    (Part::End, Case::Ignored) => "endswith",
                    (Part::End, Case::Counts) => "endswith_cs",
                };
                let other = &place.text;
                losses.add(
                    codes::MISSING,
                    Effect::Narrows.negated(negated),
                    test.at,
                    "two empty values are not found equal: the column has the empty text for a missing one",
                );
                // Two missing fields are two empty texts, and those are equal.
                return Ok(Doc::All(vec![
                    Doc::Leaf(format!("isnotempty({column})")),
                    Doc::Leaf(format!("isnotempty({other})")),
                    Doc::Leaf(format!("{column} {word} {other}")),
                ]));
            }
            Is::Null | Is::Exists(false) => leaf(format!("isempty({column})")),
            Is::Exists(true) => leaf(format!("isnotempty({column})")),
            Is::TimePart(part, number) => {
                let call = time_part(*part, &format!("todatetime({column})"));
                return leaf(two_valued(&format!("{call} == {number}"), negated));
            }
        };
        self.nothing(test, column, negated, losses);
        doc
    }

    fn like(
        &self,
        test: &Test,
        column: &str,
        negated: bool,
        losses: &mut Losses,
        p: &crate::middle::Pattern,
    ) -> Result<Doc, Diagnostic> {
        self.nothing(test, column, negated, losses);
        let cs = p.case == Case::Counts;
        let word = |plain: &str| if cs { format!("{plain}_cs") } else { plain.to_owned() };
        // KQL's operators fold ASCII alone, its regular expressions all letters, as Sigma does.
        let ascii = |text: &str| cs || text.is_ascii();
        let text = match pattern::shape(p) {
            Shape::Anything => format!("isnotempty({column})"),
            Shape::Exact(t) if t.is_empty() => format!("isempty({column})"),
            Shape::Exact(t) if !ascii(&t) => format!("{column} matches regex {}", quoted(&pattern::regex_of(p))),
            Shape::Exact(t) => format!("{column} {} {}", if cs || caseless(&t) { "==" } else { "=~" }, quoted(&t)),
            Shape::Contains(t) if ascii(&t) => format!("{column} {} {}", word("contains"), quoted(&t)),
            Shape::Starts(t) if ascii(&t) => format!("{column} {} {}", word("startswith"), quoted(&t)),
            Shape::Ends(t) if ascii(&t) => format!("{column} {} {}", word("endswith"), quoted(&t)),
            _ => format!("{column} matches regex {}", quoted(&pattern::regex_of(p))),
        };
        Ok(Doc::Leaf(text))
    }

    /// What becomes of values that say nothing.
    fn nothing(&self, test: &Test, column: &str, negated: bool, losses: &mut Losses) {
        let holds = match &test.is {
            Is::Null | Is::Exists(false) => true,
            Is::Exists(true) => false,
            // `isnotempty`
            Is::Like(p) if pattern::shape(p) == Shape::Anything => false,
            is => missing::answer(is, Some("")).unwrap_or(false),
        };
        if let Some(effect) = missing::effect(&[&test.is], &self.source, &self.nothing, holds) {
            let dash = if self.table.missing.is_empty() { "" } else { ", as is one that is `-`" };
            losses.add(
                codes::MISSING,
                effect.negated(negated),
                test.at,
                format!("in `{column}` a missing value is the empty text{dash}: the test cannot tell them apart"),
            );
        }
    }

    fn boolean(&self, test: &Test, column: &str) -> Doc {
        let word = match &test.is {
            Is::Like(p) => match pattern::shape(p) {
                Shape::Exact(t) => match t.to_ascii_lowercase().as_str() {
                    "true" => Some(format!("{column} == true")),
                    "false" => Some(format!("{column} == false")),
                    _ => None,
                },
                _ => None,
            },
            Is::Null | Is::Exists(false) => Some(format!("isnull({column})")),
            Is::Exists(true) => Some(format!("isnotnull({column})")),
            _ => None,
        };
        Doc::Leaf(word.unwrap_or_else(|| format!("tostring({column}) == \"\" and false")))
    }

    fn number(&self, test: &Test, place: &Place, negated: bool, losses: &mut Losses) -> Result<Doc, Diagnostic> {
        let column = &place.text;
        let leaf = |text: String| Ok(Doc::Leaf(text));
        match &test.is {
            Is::Like(p) => {
                if let Shape::Exact(text) = pattern::shape(p)
                    && let Some(number) = exact_number(&text, place.ty)
                {
                    return leaf(format!("{column} == {number}"));
                }
                if place.ty == Type::Hex {
                    return Err(refuse(
                        codes::NO_FORM,
                        test.at,
                        format!("`{column}` is a number, which the rule compares with a part of its text"),
                    ));
                }
                self.like(test, &format!("tostring({column})"), negated, losses, p)
            }
            Is::Compares(order, number) => leaf(compares(column, *order, *number, negated)),
            Is::Null | Is::Exists(false) => leaf(format!("isnull({column})")),
            Is::Exists(true) => leaf(format!("isnotnull({column})")),
            _ => self.text(test, &format!("tostring({column})"), negated, losses),
        }
    }

    /// A test of any value of the event.
    fn keyword(&self, test: &Test, negated: bool, losses: &mut Losses) -> Result<Doc, Diagnostic> {
        let text = match &test.is {
            Is::Like(p) => match pattern::shape(p) {
                Shape::Exact(t) | Shape::Contains(t) | Shape::Starts(t) | Shape::Ends(t) if !t.is_empty() => {
                    let word = if p.case == Case::Counts { "contains_cs" } else { "contains" };
                    format!("{word} {}", quoted(&t))
                }
                _ => return Err(refuse(codes::NO_FORM, test.at, "a keyword with wildcards has no form in KQL")),
            },
            Is::Term(term) => {
                let word = if term.case == Case::Counts { "has_cs" } else { "has" };
                format!("{word} {}", quoted(&term.text))
            }
            _ => return Err(refuse(codes::NO_FORM, test.at, "a keyword that is no text has no form in KQL")),
        };
        losses.add(
            codes::KEYWORD,
            Effect::Either,
            test.at,
            format!("the keyword is looked for in the columns of `{}`, not in the whole event", self.name),
        );
        let _ = negated;
        let columns = match self.table.dynamic() {
            Some(dynamic) => format!("tostring({dynamic})"),
            None => "*".to_owned(),
        };
        Ok(Doc::Leaf(format!("{columns} {text}")))
    }
}

/// Whether case makes no difference to a text.
fn caseless(text: &str) -> bool {
    !text.chars().any(char::is_alphabetic)
}

/// A text as a number of that type, where it is the only text of that number.
fn exact_number(text: &str, ty: Type) -> Option<String> {
    match ty {
        Type::Hex => {
            let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
            i64::from_str_radix(digits, 16).ok().map(|_| format!("0x{digits}"))
        }
        Type::Long | Type::Int => text.parse::<i64>().ok().filter(|n| n.to_string() == text).map(|n| n.to_string()),
        _ => None,
    }
}

/// A comparison that is true or false. With a null KQL's `!=` is true and its other comparisons are null, and so is
/// their negation.
fn compares(number: &str, order: Order, with: f64, negated: bool) -> String {
    let word = match order {
        Order::Less => "<",
        Order::LessOrEqual => "<=",
        Order::Greater => ">",
        Order::GreaterOrEqual => ">=",
        Order::NotEqual => return format!("(isnotnull({number}) and {number} != {})", real(with)),
    };
    two_valued(&format!("{number} {word} {}", real(with)), negated)
}

fn real(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 9e15 { format!("{number:.0}") } else { format!("real({number})") }
}

/// Null counts as false, which only matters below a negation.
fn two_valued(condition: &str, negated: bool) -> String {
    if negated { format!("coalesce({condition}, false)") } else { condition.to_owned() }
}

fn time_part(part: TimePart, time: &str) -> String {
    let name = match part {
        TimePart::Minute => "minute",
        TimePart::Hour => "hour",
        TimePart::Day => "day",
        TimePart::Week => "week_of_year",
        TimePart::Month => "month",
        TimePart::Year => "year",
    };
    format!("datetime_part(\"{name}\", {time})")
}

/// Refuses a regular expression that needs more than a linear-time engine has.
fn runs(regex: &str, test: &Test) -> Result<(), Diagnostic> {
    match regex::Regex::new(regex) {
        Ok(_) => Ok(()),
        Err(e) => {
            let why = e.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Err(refuse(codes::REGEX, test.at, format!("KQL cannot run this regular expression: {why}"))
                .help("RE2 has no lookaround and no back-references"))
        }
    }
}

//! The forms of Sumo's conditions.

use super::text::{quoted, slashed};
use crate::layout::Doc;
use crate::loss::{codes, refuse};
use crate::middle::{Case, Test};
use parallax_diagnostics::Diagnostic;
use parallax_sigma::tree::Part;

/// Where a text stands in a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// Anywhere.
    Open,
    /// At the beginning.
    Left,
    /// At the end.
    Right,
    /// It is the whole.
    Exact,
    /// As a term that ends where it does, on the left and on the right.
    Term((bool, bool)),
}

/// The texts in runs that are no longer than a regular expression may be.
pub(super) fn chunks(texts: &[String]) -> impl Iterator<Item = &[String]> {
    const MOST: usize = 6_000;
    let mut rest = texts;
    std::iter::from_fn(move || {
        let mut length = 0;
        let count = rest.iter().take_while(|t| {
            length += t.len();
            length <= MOST
        });
        let (part, after) = rest.split_at(count.count().max(1).min(rest.len()));
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

/// Whether case makes no difference to a text.
pub(super) fn caseless(text: &str) -> bool {
    !text.chars().any(char::is_alphabetic)
}

/// A test for an address of a network.
pub(super) fn network_test(column: &str, network: &crate::middle::Network, test: &Test) -> Result<Doc, Diagnostic> {
    if network.address.is_ipv4() {
        let call = format!("compareCIDRPrefix(\"{}\", {column}, toInt({}))", network.address, network.bits);
        return Ok(Doc::All(vec![Doc::Leaf(format!("isValidIPv4({column})")), Doc::Leaf(call)]));
    }
    let std::net::IpAddr::V6(address) = network.address else {
        return Err(refuse(codes::NO_FORM, test.at, "no network"));
    };
    if network.bits == 128 {
        return Ok(Doc::Leaf(format!("{column} = {}", quoted(&address.to_string()))));
    }
    // The first group is written with four digits, if it begins with none that is zero.
    let first = address.segments()[0];
    let bits = u32::from(network.bits);
    let zero = address.segments()[1..].iter().all(|s| *s == 0);
    if (4..=16).contains(&bits) && first >= 0x1000 && zero {
        let low = u32::from(first);
        let groups: Vec<String> = (0..4)
            .map(|place| {
                let shift = 12 - 4 * place;
                let fixed = bits.saturating_sub(4 * place).min(4);
                let digit = (low >> shift) & 15;
                let values: String = (0..16u32)
                    .filter(|v| fixed == 0 || v >> (4 - fixed) == digit >> (4 - fixed))
                    .filter_map(|v| char::from_digit(v, 16))
                    .collect();
                if values.chars().count() == 1 { values } else { format!("[{values}]") }
            })
            .collect();
        return Ok(Doc::Leaf(format!("{column} matches {}", slashed(&format!("(?i)^{}:", groups.concat())))));
    }
    let message = format!("Sumo has no test for the network {}/{}", network.address, network.bits);
    Err(refuse(codes::NO_FORM, test.at, message))
}

/// A comparison of two fields.
pub(super) fn fields(one: &str, other: &str, part: Part, case: Case) -> Doc {
    let fold = |t: String| if case == Case::Ignored { format!("toLowerCase({t})") } else { t };
    let (a, b) = (fold(one.to_owned()), fold(other.to_owned()));
    let text = match part {
        Part::Whole => format!("{a} = {b}"),
        Part::Somewhere => format!("contains({a}, {b})"),
        Part::Start => format!("substring({a}, 0, length({other})) = {b}"),
        Part::End => format!("substring({a}, length({one}) - length({other}), length({one})) = {b}"),
    };
    let mut docs = vec![Doc::Leaf(format!("!isNull({one})")), Doc::Leaf(format!("!isNull({other})"))];
    if part == Part::End {
        docs.push(Doc::Leaf(format!("length({one}) >= length({other})")));
    }
    docs.push(Doc::Leaf(text));
    Doc::All(docs)
}

/// Refuses a regular expression that needs more than a linear-time engine has.
pub(super) fn runs(regex: &str, test: &Test) -> Result<(), Diagnostic> {
    match regex::Regex::new(regex) {
        Ok(_) => Ok(()),
        Err(e) => {
            let why = e.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Err(refuse(codes::REGEX, test.at, format!("`matches` cannot run this regular expression: {why}"))
                .help("it takes RE2's, without lookaround and back-references"))
        }
    }
}

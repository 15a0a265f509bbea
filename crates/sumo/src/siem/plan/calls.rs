//! Functions.

use super::super::syntax::Node;
use super::value::{Ty, Value, call};
use super::{Planner, Planning, codes};
use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, cast, lit, when};
use parallax_diagnostics::{Diagnostic, Span};

/// A function that is one call of the search language's: its names here, that one's name, what it takes and gives.
/// `t` text, `n` number, `w` whole number, `b` true or false; capitals may be left out.
type Plain = (&'static [&'static str], &'static str, &'static str, char);

#[rustfmt::skip]
const PLAIN: &[Plain] = &[
    (&["abs"], "abs", "n", 'n'), (&["acos"], "acos", "n", 'n'), (&["asin"], "asin", "n", 'n'),
    (&["atan"], "atan", "n", 'n'), (&["atan2"], "atan2", "nn", 'n'), (&["cbrt"], "cbrt", "n", 'n'),
    (&["ceil"], "ceil", "n", 'n'), (&["cos"], "cos", "n", 'n'), (&["cosh"], "cosh", "n", 'n'),
    (&["exp"], "exp", "n", 'n'), (&["expm1"], "expm1", "n", 'n'), (&["floor"], "floor", "n", 'n'),
    (&["hypot"], "hypot", "nn", 'n'), (&["log"], "log", "n", 'n'), (&["log10"], "log10", "n", 'n'),
    (&["log1p"], "log1p", "n", 'n'), (&["round"], "round", "nW", 'n'), (&["sin"], "sin", "n", 'n'),
    (&["sinh"], "sinh", "n", 'n'), (&["sqrt"], "sqrt", "n", 'n'), (&["tan"], "tan", "n", 'n'),
    (&["tanh"], "tanh", "n", 'n'), (&["todegrees"], "todegrees", "n", 'n'), (&["toradians"], "toradians", "n", 'n'),
    (&["haversine"], "haversine", "nnnn", 'n'),
    (&["lower", "tolowercase", "tolower"], "tolowercase", "t", 't'),
    (&["upper", "touppercase", "toupper"], "touppercase", "t", 't'),
    (&["trim"], "trim", "t", 't'), (&["substring"], "substring", "twW", 't'), (&["length"], "length", "t", 'w'),
    (&["contains"], "contains", "tt", 'b'), (&["luhn"], "luhn", "t", 'b'),
    (&["array_contains", "jsonarraycontains"], "jsonarraycontains", "tt", 'b'),
    (&["size", "jsonarraysize"], "jsonarraysize", "t", 'w'),
    (&["anyhttpheadermatches"], "anyvaluematches", "tt", 'b'),
    (&["base64decode", "frombase64"], "base64decode", "t", 't'),
    (&["base64encode", "tobase64"], "base64encode", "t", 't'),
    (&["asciitohex", "tohex"], "asciitohex", "t", 't'), (&["hextoascii", "fromhex"], "hextoascii", "t", 't'),
    (&["dectohex"], "dectohex", "w", 't'), (&["hextodec"], "hextodec", "t", 'w'),
    (&["urldecode"], "urldecode", "t", 't'), (&["urlencode"], "urlencode", "t", 't'),
    (&["isblank"], "isblank", "t", 'b'), (&["isnumeric"], "isnumeric", "t", 'b'),
    (&["isprivateip"], "isprivateip", "t", 'b'), (&["ispublicip"], "ispublicip", "t", 'b'),
    (&["isvalidip"], "isvalidip", "t", 'b'), (&["isvalidipv4"], "isvalidipv4", "t", 'b'),
    (&["isvalidipv6"], "isvalidipv6", "t", 'b'), (&["ipv4tonumber"], "ipv4tonumber", "t", 'w'),
    (&["getcidrprefix"], "getcidrprefix", "tt", 't'), (&["maskfromcidr"], "maskfromcidr", "t", 't'),
    (&["comparecidrprefix"], "comparecidrprefix", "ttt", 'b'),
];

/// Functions that are taken apart here.
const SPECIAL: [&str; 17] = [
    "if",
    "isnull",
    "isempty",
    "concat",
    "num",
    "number",
    "double",
    "todouble",
    "float",
    "tofloat",
    "int",
    "toint",
    "long",
    "tolong",
    "tostring",
    "string",
    "hasthreatmatch",
];

/// All functions' names, lower-case.
pub fn names() -> impl Iterator<Item = &'static str> {
    PLAIN.iter().flat_map(|(names, ..)| names.iter().copied()).chain(SPECIAL)
}

impl Planner<'_> {
    pub(super) fn call(&mut self, name: &str, arguments: &[Node], span: Span) -> Planning<Value> {
        let lower = name.to_ascii_lowercase();
        let wrong = |what: &str| Diagnostic::error(codes::BAD_ARGUMENT, span, format!("`{name}` takes {what}"));
        let one = || if let [argument] = arguments { Ok(argument) } else { Err(wrong("one argument")) };
        Ok(match lower.as_str() {
            "if" => {
                let [condition, yes, no] = arguments else { return Err(wrong("a condition and two values")) };
                let condition = self.condition(condition)?;
                let (yes, no) = (self.value(yes)?, self.value(no)?);
                choose(condition, yes, no, span)?
            }
            "isnull" => Value::new(self.value(one()?)?.expr.is_null(), Ty::Bool),
            "isempty" => {
                let text = self.value(one()?)?.text();
                let empty = text.clone().eq(Value::literal("").expr).is_true();
                Value::new(text.is_null().or(empty), Ty::Bool)
            }
            "concat" => {
                let texts = arguments.iter().map(|a| Ok(self.value(a)?.text())).collect::<Planning<Vec<_>>>()?;
                Value::new(call("sumo_concat", texts), Ty::Text)
            }
            "num" | "number" | "double" | "todouble" | "float" | "tofloat" => {
                Value::new(self.value(one()?)?.number_of(), Ty::Number)
            }
            "int" | "toint" | "long" | "tolong" => whole(self.value(one()?)?),
            "tostring" | "string" => Value::new(self.value(one()?)?.text(), Ty::Text),
            "hasthreatmatch" => {
                let message = "no threat intelligence is given: this matches nothing";
                self.diagnostics.push(Diagnostic::warning(codes::NO_THREAT_LISTS, span, message));
                Value::is_false()
            }
            _ => return self.plain(&lower, arguments, span, name),
        })
    }

    fn plain(&mut self, lower: &str, arguments: &[Node], span: Span, name: &str) -> Planning<Value> {
        let Some((_, function, takes, gives)) = PLAIN.iter().find(|(names, ..)| names.contains(&lower)) else {
            let d = Diagnostic::error(codes::UNKNOWN_FUNCTION, span, format!("there is no function `{name}`"));
            return Err(d.suggest(lower, names()));
        };
        let needed = takes.chars().filter(char::is_ascii_lowercase).count();
        if arguments.len() < needed || arguments.len() > takes.len() {
            let message = format!("`{name}` takes {needed} arguments, and {} are given", arguments.len());
            return Err(Diagnostic::error(codes::BAD_ARGUMENT, span, message));
        }
        let mut given = Vec::with_capacity(arguments.len());
        for (argument, kind) in arguments.iter().zip(takes.chars()) {
            let value = self.value(argument)?;
            given.push(match kind.to_ascii_lowercase() {
                'n' => value.number_of(),
                'w' => cast(value.number_of(), DataType::Int64),
                _ => value.text(),
            });
        }
        let found = call(&format!("sumo_{function}"), given);
        Ok(match gives {
            'n' => Value::new(found, Ty::Number),
            'w' => Value::new(cast(found, DataType::Float64), Ty::Number),
            'b' => Value::new(found, Ty::Bool),
            _ => Value::new(found, Ty::Text),
        })
    }
}

/// A number without its fraction.
fn whole(value: Value) -> Value {
    let whole = match value.ty {
        Ty::Text => call("sumo_whole", vec![value.expr]),
        _ => call("sumo_whole_of_real", vec![value.number_of()]),
    };
    Value::new(cast(whole, DataType::Float64), Ty::Number)
}

fn choose(condition: Expr, yes: Value, no: Value, span: Span) -> Planning<Value> {
    let (yes, no, ty) = match (yes.ty, no.ty) {
        (a, b) if a == b => (yes.expr, no.expr, a),
        (Ty::Number, Ty::Null) | (Ty::Null, Ty::Number) => (yes.number_of(), no.number_of(), Ty::Number),
        (Ty::Bool, Ty::Null) | (Ty::Null, Ty::Bool) => (yes.condition(), no.condition(), Ty::Bool),
        // The documentation asks for one type; a text beside another one makes both texts.
        _ => (yes.text(), no.text(), Ty::Text),
    };
    match when(condition.eq(lit(true)), yes).otherwise(no) {
        Ok(expr) => Ok(Value::new(expr, ty)),
        Err(e) => Err(Diagnostic::error(codes::BAD_ARGUMENT, span, e.strip_backtrace())),
    }
}

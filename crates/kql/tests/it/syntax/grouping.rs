//! Trees of `print a, b, …` as short text that shows how operators group and what literals mean.

use parallax_kql::Tree;
use parallax_kql::syntax::tree::{Argument, Expr, ExprKind, OperatorKind, StatementKind};

/// One line for each printed expression, every operation in brackets.
pub(crate) fn statements(tree: &Tree) -> String {
    printed(tree).map(|a| group(&a.value)).collect::<Vec<_>>().join("\n")
}

/// One line for each printed literal.
pub(crate) fn literals(tree: &Tree) -> String {
    let literal = |a: &Argument| match &a.value.kind {
        ExprKind::Literal(literal) => super::without_spans(&format!("{literal:?}")),
        other => panic!("no literal: {other:?}"),
    };
    printed(tree).map(literal).collect::<Vec<_>>().join("\n")
}

fn printed(tree: &Tree) -> impl Iterator<Item = &Argument> {
    tree.statements.iter().flat_map(|statement| {
        let StatementKind::Query(Expr { kind: ExprKind::Query(query), .. }) = &statement.kind else {
            panic!("no print: {statement:?}")
        };
        let OperatorKind::Print(columns) = &query.operators[0].kind else { panic!("no print: {query:?}") };
        columns.iter()
    })
}

fn group(expr: &Expr) -> String {
    let all = |items: &[Expr], between: &str| items.iter().map(group).collect::<Vec<_>>().join(between);
    match &expr.kind {
        ExprKind::Name(name) => name.text.clone(),
        ExprKind::Literal(literal) => super::without_spans(&format!("{literal:?}")),
        ExprKind::Star => "*".to_owned(),
        ExprKind::Paren(inner) => format!("({})", group(inner)),
        ExprKind::Unary { op, operand } => format!("[{op:?} {}]", group(operand)),
        ExprKind::Binary { op, left, right, .. } => format!("[{} {} {}]", group(left), op.text(), group(right)),
        ExprKind::And(items) => format!("[{}]", all(items, " and ")),
        ExprKind::Or(items) => format!("[{}]", all(items, " or ")),
        ExprKind::In { op, left, list, .. } => format!("[{} {} ({})]", group(left), op.text(), all(list, ", ")),
        ExprKind::Between { negated, operand, low, high } => {
            let not = if *negated { "!" } else { "" };
            format!("[{} {not}between {} .. {}]", group(operand), group(low), group(high))
        }
        ExprKind::Index { base, index } => format!("[{} at {}]", group(base), group(index)),
        ExprKind::Path { base, selector } => {
            format!("[{} . {}]", group(base), super::without_spans(&format!("{selector:?}")))
        }
        ExprKind::Call(call) => {
            let arguments: Vec<String> = call.arguments.iter().map(|a| group(&a.value)).collect();
            format!("{}({})", call.name.text, arguments.join(", "))
        }
        other => super::without_spans(&format!("{other:?}")),
    }
}

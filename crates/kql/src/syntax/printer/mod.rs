//! A tree as text, in one canonical form: a pipe a line, subqueries indented, typed literals where a bare one would
//! need a sign. Reading the text again gives the same tree, spans aside. Comments are not kept.

mod expressions;
mod literals;
mod operators;
mod parts;

use super::keyword::Keyword;
use super::tree::{
    Body, ColumnDef, Function, LetValue, Name, Option_, OptionValue, Parameter, ParameterType, Pattern, Statement,
    StatementKind, Tree, Wildcard,
};
use std::fmt;

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printer = Printer::default();
        for directive in &self.directives {
            printer.push(&directive.text);
            printer.line();
        }
        printer.statements(&self.statements);
        f.write_str(&printer.out)
    }
}

#[derive(Default)]
struct Printer {
    out: String,
    depth: usize,
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn line(&mut self) {
        self.out.push('\n');
        for _ in 0..self.depth {
            self.out.push_str("    ");
        }
    }

    /// Something between brackets on lines of its own, one step in.
    fn block(&mut self, open: &str, close: &str, content: impl FnOnce(&mut Self)) {
        self.push(open);
        self.depth += 1;
        self.line();
        content(self);
        self.depth -= 1;
        self.line();
        self.push(close);
    }

    fn list<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        for (i, one) in items.iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            item(self, one);
        }
    }

    /// A name wherever names stand: in brackets unless it can be nothing else.
    fn name(&mut self, name: &Name) {
        if name.placeholder {
            self.push("{");
            self.push(&name.text);
            self.push("}");
        } else if is_plain(&name.text) {
            self.push(&name.text);
        } else {
            self.push("[");
            self.string(&name.text, false);
            self.push("]");
        }
    }

    fn wildcard(&mut self, wildcard: &Wildcard) {
        if wildcard.bracketed {
            self.push("[");
            self.push(&wildcard.pattern);
            self.push("]");
        } else {
            self.push(&wildcard.pattern);
        }
    }

    fn statements(&mut self, statements: &[Statement]) {
        for (i, statement) in statements.iter().enumerate() {
            if i > 0 {
                self.push(";");
                self.line();
            }
            self.statement(&statement.kind);
        }
    }

    fn statement(&mut self, statement: &StatementKind) {
        match statement {
            StatementKind::Let(binding) => {
                self.push("let ");
                self.name(&binding.name);
                self.push(" = ");
                self.let_value(&binding.value);
            }
            StatementKind::Set { name, value } => {
                self.push("set ");
                self.name(name);
                if let Some(value) = value {
                    self.push(" = ");
                    self.expr(value);
                }
            }
            StatementKind::QueryParameters(parameters) => {
                self.push("declare query_parameters (");
                self.list(parameters, Self::parameter);
                self.push(")");
            }
            StatementKind::Pattern(pattern) => self.pattern(pattern),
            StatementKind::Alias { name, value } => {
                self.push("alias database ");
                self.name(name);
                self.push(" = ");
                self.expr(value);
            }
            StatementKind::Restrict { entities, with } => {
                self.push("restrict access to (");
                self.list(entities, Self::expr);
                self.push(")");
                self.with_clause(with);
            }
            StatementKind::Query(query) => self.expr(query),
        }
    }

    fn let_value(&mut self, value: &LetValue) {
        match value {
            LetValue::Expr(expr) => self.let_expr(expr),
            LetValue::Function(function) => self.function(function),
            LetValue::EntityGroup(members) => {
                self.push("entity_group [");
                self.list(members, Self::expr);
                self.push("]");
            }
        }
    }

    fn function(&mut self, function: &Function) {
        if function.view {
            self.push("view ");
        }
        self.push("(");
        self.list(&function.parameters, Self::parameter);
        self.push(") ");
        self.body(&function.body);
    }

    fn body(&mut self, body: &Body) {
        self.block("{", "}", |p| {
            for statement in &body.statements {
                p.statement(&statement.kind);
                p.push(";");
                p.line();
            }
            if let Some(value) = &body.value {
                p.expr(value);
            }
        });
    }

    fn parameter(&mut self, parameter: &Parameter) {
        self.name(&parameter.name);
        self.push(": ");
        self.parameter_type(&parameter.ty);
        if let Some(default) = &parameter.default {
            self.push(" = ");
            self.word_or_literal(default);
        }
    }

    fn parameter_type(&mut self, ty: &ParameterType) {
        match ty {
            ParameterType::Scalar(ty) => self.push(ty.name()),
            ParameterType::Table(columns) => self.schema(columns),
            ParameterType::AnyTable => self.push("(*)"),
        }
    }

    fn schema(&mut self, columns: &[ColumnDef]) {
        self.push("(");
        self.list(columns, Self::column);
        self.push(")");
    }

    fn column(&mut self, column: &ColumnDef) {
        self.name(&column.name);
        self.push(": ");
        self.parameter_type(&column.ty);
    }

    fn pattern(&mut self, pattern: &Pattern) {
        self.push("declare pattern ");
        self.name(&pattern.name);
        let Some(definition) = &pattern.definition else { return };
        self.push(" = (");
        self.list(&definition.parameters, Self::column);
        self.push(")");
        if let Some(path) = &definition.path {
            self.push("[");
            self.column(path);
            self.push("]");
        }
        self.push(" ");
        self.block("{", "}", |p| {
            for (i, one) in definition.matches.iter().enumerate() {
                if i > 0 {
                    p.line();
                }
                p.push("(");
                p.list(&one.arguments, Self::expr);
                p.push(")");
                if let Some(path) = &one.path {
                    p.push(".[");
                    p.expr(path);
                    p.push("]");
                }
                p.push(" = ");
                p.body(&one.body);
                p.push(";");
            }
        });
    }

    /// ` with (name = value, …)`, or nothing.
    fn with_clause(&mut self, options: &[Option_]) {
        if options.is_empty() {
            return;
        }
        self.push(" with (");
        self.list(options, |p, option| {
            p.name(&option.name);
            p.push("=");
            p.option_value(&option.value);
        });
        self.push(")");
    }

    /// `name=value` for settings that the language knows; their names may hold dots.
    fn option(&mut self, option: &Option_) {
        self.push(&option.name.text);
        self.push("=");
        self.option_value(&option.value);
    }

    fn option_value(&mut self, value: &OptionValue) {
        match value {
            OptionValue::Expr(expr) => self.word_or_literal(expr),
            OptionValue::Names(names) => self.list(names, Self::name),
        }
    }
}

/// Whether a name reads as a name wherever names stand. A word of the language may be one or not, by its place.
fn is_plain(text: &str) -> bool {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b'$');
    let well_formed = first && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    // `hint.remote` and `matches regex` would read as one word each.
    let reserved = matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE" | "hint" | "matches");
    well_formed && !reserved && Keyword::exact(text).is_none()
}

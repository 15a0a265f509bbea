//! Expressions.

use super::super::keyword::Keyword;
use super::super::lexer::{Kind, lex};
use super::super::tree::{
    Argument, Call, DataTable, Expr, ExprKind, ExternalData, Literal, Naming, Query, Selector, TypeOfElement, UnaryOp,
};
use super::{Printer, is_plain};

impl Printer {
    pub(super) fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal),
            ExprKind::Name(name) => self.name(name),
            ExprKind::Wildcard(wildcard) => self.wildcard(wildcard),
            ExprKind::Star => self.push("*"),
            ExprKind::At => self.push("@"),
            ExprKind::Call(call) => self.call(call),
            ExprKind::ToScalar { no_optimization, query } => self.to("toscalar", *no_optimization, query),
            ExprKind::ToTable { no_optimization, query } => self.to("totable", *no_optimization, query),
            ExprKind::Path { base, selector } => self.path(base, selector),
            ExprKind::Index { base, index } => {
                self.expr(base);
                self.push("[");
                self.expr(index);
                self.push("]");
            }
            ExprKind::Bracket(inner) => {
                self.push("[");
                self.expr(inner);
                self.push("]");
            }
            ExprKind::Paren(inner) => self.parenthesised(inner),
            ExprKind::Unary { op, operand } => {
                self.push(match op {
                    UnaryOp::Minus => "-",
                    UnaryOp::Plus => "+",
                });
                self.expr(operand);
            }
            ExprKind::Binary { op, left, right, .. } => {
                self.expr(left);
                self.infix(op.text());
                self.expr(right);
            }
            ExprKind::And(all) => self.chain(all, "and"),
            ExprKind::Or(all) => self.chain(all, "or"),
            ExprKind::In { op, left, list, .. } => {
                self.expr(left);
                self.infix(op.text());
                self.items(list);
            }
            ExprKind::Between { negated, operand, low, high } => {
                self.expr(operand);
                self.push(if *negated { " !between (" } else { " between (" });
                self.expr(low);
                self.push(" .. ");
                self.expr(high);
                self.push(")");
            }
            ExprKind::TypeOf(elements) => self.type_of(elements),
            ExprKind::DataTable(table) => self.data_table(table),
            ExprKind::ExternalData(data) => self.external_data(data),
            ExprKind::ContextualDataTable { id, schema } => {
                self.push("__contextual_datatable ");
                self.expr(id);
                self.push(" ");
                self.schema(schema);
            }
            ExprKind::MaterializedViewCombine(view) => {
                self.push("materialized-view-combine ");
                self.parenthesised(&view.name);
                self.push(" base ");
                self.parenthesised(&view.base);
                self.push(" delta ");
                self.parenthesised(&view.delta);
                self.push(" aggregations (");
                self.operator(&view.aggregations);
                self.push(")");
            }
            ExprKind::Scoped { table, scope } => {
                self.expr(table);
                self.push(" datascope=");
                self.push(scope);
            }
            ExprKind::Query(query) => self.query(query),
        }
    }

    fn infix(&mut self, text: &str) {
        self.push(" ");
        self.push(text);
        self.push(" ");
    }

    fn chain(&mut self, all: &[Expr], word: &str) {
        for (i, one) in all.iter().enumerate() {
            if i > 0 {
                self.infix(word);
            }
            self.expr(one);
        }
    }

    /// `( … )`, over several lines where a pipeline stands within.
    pub(super) fn parenthesised(&mut self, inner: &Expr) {
        match &inner.kind {
            ExprKind::Query(query) => self.block("(", ")", |p| p.query(query)),
            _ => {
                self.push("(");
                self.expr(inner);
                self.push(")");
            }
        }
    }

    fn items(&mut self, items: &[Expr]) {
        match items {
            [one] => self.parenthesised(one),
            _ => {
                self.push("(");
                self.list(items, Self::expr);
                self.push(")");
            }
        }
    }

    fn to(&mut self, keyword: &str, no_optimization: bool, query: &Expr) {
        self.push(keyword);
        self.push(if no_optimization { " kind=nooptimization " } else { "" });
        self.parenthesised(query);
    }

    pub(super) fn query(&mut self, query: &Query) {
        let mut first = true;
        if let Some(source) = &query.source {
            self.expr(source);
            first = false;
        }
        for operator in &query.operators {
            if !first {
                self.line();
                self.push("| ");
            }
            first = false;
            self.operator(operator);
        }
    }

    pub(super) fn call(&mut self, call: &Call) {
        const BARE: [Keyword; 6] =
            [Keyword::Bin, Keyword::Count, Keyword::Database, Keyword::EntityGroup, Keyword::Pack, Keyword::Range];
        match Keyword::exact(&call.name.text) {
            Some(keyword) if BARE.contains(&keyword) && !call.name.placeholder => self.push(keyword.text()),
            _ => self.name(&call.name),
        }
        self.arguments(&call.arguments);
    }

    fn arguments(&mut self, arguments: &[Argument]) {
        self.push("(");
        self.list(arguments, Self::argument);
        self.push(")");
    }

    /// The value of a `let`, where alone `materialize(query)` may stand.
    pub(super) fn let_expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Call(call) if call.name.text == "materialize" && call.arguments.len() == 1 => {
                self.push("materialize");
                self.parenthesised(&call.arguments[0].value);
            }
            _ => self.expr(expr),
        }
    }

    pub(super) fn argument(&mut self, argument: &Argument) {
        self.naming(&argument.naming);
        self.expr(&argument.value);
    }

    pub(super) fn naming(&mut self, naming: &Naming) {
        match naming {
            Naming::None => return,
            Naming::One(name) => self.name(name),
            Naming::Many(names) => {
                self.push("(");
                self.list(names, Self::name);
                self.push(")");
            }
        }
        self.push(" = ");
    }

    fn path(&mut self, base: &Expr, selector: &Selector) {
        self.expr(base);
        if matches!(base.kind, ExprKind::Literal(Literal::Long(_) | Literal::Real(_))) {
            self.push(" "); // `1.e5` is a number
        }
        self.push(".");
        match selector {
            Selector::Name(name) => self.name(name),
            Selector::Wildcard(wildcard) => self.wildcard(wildcard),
            Selector::Call(call) => self.call(call),
            Selector::Index(index) => {
                self.push("[");
                self.expr(index);
                self.push("]");
            }
            Selector::At(_) => self.push("@"),
        }
    }

    fn type_of(&mut self, elements: &[TypeOfElement]) {
        self.push("typeof(");
        self.list(elements, |p, element| match element {
            TypeOfElement::Type(ty) => p.push(ty.name()),
            TypeOfElement::Other(name) => p.push(&name.text),
            TypeOfElement::Star => p.push("*"),
            TypeOfElement::Column(column) => p.column(column),
        });
        self.push(")");
    }

    fn data_table(&mut self, table: &DataTable) {
        self.push("datatable ");
        self.options(&table.options);
        self.schema(&table.schema);
        self.push(" [");
        let rows: Vec<&[Expr]> = table.values.chunks(table.schema.len().max(1)).collect();
        let indent = rows.len() > 1;
        self.depth += 1;
        for row in &rows {
            if indent {
                self.line();
            }
            self.list(row, |p, value| p.word_or_literal(value));
            if indent {
                self.push(",");
            }
        }
        self.depth -= 1;
        if indent {
            self.line();
        }
        self.push("]");
    }

    fn external_data(&mut self, data: &ExternalData) {
        self.push("externaldata ");
        self.options(&data.options);
        self.schema(&data.schema);
        self.push(" [");
        self.list(&data.storage, Self::expr);
        self.push("]");
        self.with_clause(&data.with);
    }

    /// Where a literal or a word stands: words of the language that are names stay as they are, and so do the few
    /// that are values of settings although they are reserved.
    pub(super) fn word_or_literal(&mut self, expr: &Expr) {
        const VALUES: [&str; 4] = ["simple", "regex", "relaxed", "nooptimization"];
        match &expr.kind {
            ExprKind::Name(name) if !name.placeholder && !is_plain(&name.text) => {
                // A parameter's default cannot be bracketed, so that whatever is one word stays as it is.
                let word = match lex(&name.text).tokens.as_slice() {
                    [token, _] if token.end - token.start == name.text.len() => match token.kind {
                        Kind::Identifier => true,
                        Kind::Keyword(keyword) => keyword.is_name(),
                        _ => false,
                    },
                    _ => false,
                };
                if word || VALUES.contains(&name.text.as_str()) {
                    self.push(&name.text);
                } else {
                    self.name(name);
                }
            }
            _ => self.expr(expr),
        }
    }
}

//! Tokens to a tree: recursive descent for statements and operators, precedence climbing for expressions.
//!
//! The parser stops at the first thing that is wrong: one message that is right is worth more than a cascade. Each
//! `fn thing` gives `None` where no such thing begins at the current token, and has then consumed nothing; each
//! `fn expect_thing` turns that into a message.

mod calls;
mod dispatch;
mod expressions;
mod graph;
mod lists;
mod literals;
mod names;
mod operators;
mod options;
mod series;
mod statements;
mod tables;

use super::codes;
use super::keyword::Keyword;
use super::lexer::{Kind, Token, lex};
use super::tree::{Directive, Tree};
use parallax_diagnostics::{Diagnostic, Diagnostics, Span};

/// How deeply brackets, calls and subqueries may nest. Real queries stay below 30; the bound keeps the parser, and
/// whoever walks the tree, within the 2 MiB stack of a thread.
pub(crate) const MAX_DEPTH: usize = 64;

/// What a level of brackets, and the right side of an operator, cost of that depth: about what they take of the stack.
const LEVEL: usize = 3;
const RIGHT_SIDE: usize = 1;

/// How tall an expression may be. It may be taller than brackets nest, as `a + b + c` leans to the left.
pub(crate) const MAX_HEIGHT: usize = 250;

type Parsed<T> = Result<T, Box<Diagnostic>>;

/// Reads a whole text.
pub(crate) fn parse(text: &str) -> Result<Tree, Diagnostics> {
    let lexed = lex(text);
    let mut parser = Parser { text, tokens: lexed.tokens, at: 0, depth: 0, tallest: 0 };
    match (parser.tree(), lexed.error) {
        (Ok(tree), None) => Ok(tree),
        (Ok(_), Some(lexical)) => Err(lexical.into()),
        // Whatever comes first in the text is the cause of the other.
        (Err(syntax), Some(lexical)) if lexical.span.start <= syntax.span.end => Err(lexical.into()),
        (Err(syntax), _) => Err((*syntax).into()),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// The height of the tallest expression read since the innermost [`Parser::measured`] began.
    tallest: usize,
}

impl Parser<'_> {
    fn tree(&mut self) -> Parsed<Tree> {
        let mut directives = Vec::new();
        while self.peek() == Kind::Directive {
            let span = self.bump().span();
            directives.push(Directive { text: span.of(self.text).to_owned(), span });
        }
        if self.peek() == Kind::Dot {
            return Err(self.management_command());
        }
        let statements = self.statements()?;
        if self.peek() != Kind::End {
            return Err(self.unexpected());
        }
        Ok(Tree { directives, statements })
    }

    fn management_command(&self) -> Box<Diagnostic> {
        let diagnostic = self.error(codes::UNSUPPORTED, "management commands, which begin with `.`, are not supported");
        Box::new(diagnostic.help("only queries are read here"))
    }

    fn token(&self, ahead: usize) -> Token {
        let last = self.tokens.len() - 1; // the lexer always ends with `End`
        self.tokens[(self.at + ahead).min(last)]
    }

    fn peek(&self) -> Kind {
        self.token(0).kind
    }

    fn peek_at(&self, ahead: usize) -> Kind {
        self.token(ahead).kind
    }

    fn here(&self) -> Span {
        self.token(0).span()
    }

    fn is(&self, keyword: Keyword) -> bool {
        self.peek() == Kind::Keyword(keyword)
    }

    fn text_of(&self, token: Token) -> &str {
        token.span().of(self.text)
    }

    fn bump(&mut self) -> Token {
        let token = self.token(0);
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    fn eat(&mut self, kind: Kind) -> Option<Token> {
        (self.peek() == kind).then(|| self.bump())
    }

    fn eat_keyword(&mut self, keyword: Keyword) -> Option<Token> {
        self.eat(Kind::Keyword(keyword))
    }

    fn expect(&mut self, kind: Kind, shown: &str) -> Parsed<Token> {
        match self.eat(kind) {
            Some(token) => Ok(token),
            None => Err(self.expected_token(shown)),
        }
    }

    fn expected_token(&self, shown: &str) -> Box<Diagnostic> {
        let diagnostic = self.expected(&format!("`{shown}`"));
        let open = match shown {
            ")" | "]" | "}" => self.last_open(),
            _ => None,
        };
        match open {
            Some(open) => {
                let (line, column) = Diagnostic::error(codes::EXPECTED, open.span(), "").position(self.text);
                let bracket = self.text_of(open);
                Box::new(diagnostic.help(format!("it closes the `{bracket}` in line {line}, column {column}")))
            }
            None => diagnostic,
        }
    }

    /// The innermost bracket that is open here.
    fn last_open(&self) -> Option<Token> {
        let mut closed = 0_usize;
        for token in self.tokens[..self.at].iter().rev() {
            match token.kind {
                Kind::RightParen | Kind::RightBracket | Kind::RightBrace => closed += 1,
                Kind::LeftParen | Kind::LeftBracket | Kind::LeftBrace if closed == 0 => return Some(*token),
                Kind::LeftParen | Kind::LeftBracket | Kind::LeftBrace => closed -= 1,
                _ => {}
            }
        }
        None
    }

    fn expect_keyword(&mut self, keyword: Keyword) -> Parsed<Token> {
        self.expect(Kind::Keyword(keyword), keyword.text())
    }

    /// From `start` to the end of the last token that was consumed.
    fn since(&self, start: Span) -> Span {
        let last = self.at.checked_sub(1).map_or(start, |i| self.tokens[i].span());
        if last.end < start.start { Span::at(start.start) } else { start.to(last) }
    }

    /// The number of tokens, with nothing between them, that spell `text` from `ahead` on.
    fn spelled(&self, ahead: usize, text: &str) -> Option<usize> {
        let mut rest = text;
        let mut count = 0;
        while !rest.is_empty() {
            let token = self.token(ahead + count);
            if token.kind == Kind::End || count > 0 && !token.glued {
                return None;
            }
            rest = rest.strip_prefix(self.text_of(token))?;
            count += 1;
        }
        (count > 0).then_some(count)
    }

    fn eat_spelled(&mut self, text: &str) -> Option<Span> {
        let count = self.spelled(0, text)?;
        let start = self.here();
        self.at += count;
        Some(self.since(start))
    }

    /// One level deeper, within the limit.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.deeper(LEVEL, read)
    }

    fn deeper<T>(&mut self, cost: usize, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth + cost > MAX_DEPTH * LEVEL {
            return Err(Box::new(too_deep(self.here())));
        }
        self.depth += cost;
        let read = read(self);
        self.depth -= cost;
        read
    }

    /// Reads something and says how tall its expressions are.
    fn measured<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<(T, usize)> {
        let outer = std::mem::replace(&mut self.tallest, 0);
        let read = read(self)?;
        let height = std::mem::replace(&mut self.tallest, outer);
        Ok((read, height))
    }

    /// Notes that an expression of that height was read.
    fn grown(&mut self, height: usize, place: Span) -> Parsed<()> {
        if height > MAX_HEIGHT {
            return Err(Box::new(too_deep(place)));
        }
        self.tallest = self.tallest.max(height);
        Ok(())
    }

    /// What a person sees at the current token.
    fn found(&self) -> String {
        match self.peek() {
            Kind::End => "the end of the query".to_owned(),
            Kind::String => "a string".to_owned(),
            _ => {
                let text = self.text_of(self.token(0));
                let shown: String = text.chars().take(40).collect();
                format!("`{shown}`")
            }
        }
    }

    fn error(&self, code: &'static str, message: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(code, self.here(), message))
    }

    fn expected(&self, what: &str) -> Box<Diagnostic> {
        let found = self.found();
        Box::new(
            Diagnostic::error(codes::EXPECTED, self.here(), format!("expected {what}, found {found}"))
                .label(format!("expected {what}")),
        )
    }

    /// Something stands where the statement should have ended.
    fn unexpected(&self) -> Box<Diagnostic> {
        let found = self.found();
        let diagnostic = self.error(codes::UNEXPECTED, format!("{found} is not expected here"));
        let help = match self.peek() {
            Kind::Equal => "to compare, write `==`",
            Kind::RightParen | Kind::RightBracket | Kind::RightBrace => "nothing that it could close is open",
            Kind::Semicolon => "statements are separated by one `;`, and none may be empty",
            Kind::EqualEqual | Kind::BangEqual | Kind::Less | Kind::Greater | Kind::LessEqual | Kind::GreaterEqual => {
                "comparisons do not chain; put parentheses around the first one"
            }
            Kind::Keyword(Keyword::Let) => "`let` declares a name that is no keyword: let name = …",
            Kind::LeftBrace => {
                "before a function's body stand its parameters with their types: (a: string, b: long) { … }"
            }
            kind if expressions::string_operator(kind).is_some() => {
                "string operators do not chain; join two conditions with `and`"
            }
            Kind::Bar => "what stands before it is complete; name it with `let` and begin a new pipeline with the name",
            Kind::Directive => "a line that begins with `#` may only stand before the first statement",
            _ => return diagnostic,
        };
        Box::new(diagnostic.help(help))
    }
}

fn too_deep(place: Span) -> Diagnostic {
    Diagnostic::error(codes::TOO_DEEP, place, format!("this nests too deeply; at most {MAX_DEPTH} levels are read"))
        .help("name a part of it with `let`, or write a long sum or chain of conditions as a list")
}
